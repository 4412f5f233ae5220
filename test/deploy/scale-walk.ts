import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { MembersView } from '#api/common/operators.ts'
import { until } from '#test/harness/until.ts'
import { leftBy } from './compose-world.ts'
import type { ComposeWorld, ContainerProcess } from './compose-world.ts'

export interface Scaling {
  readonly world: ComposeWorld
  /** The service with replicas. */
  readonly scaled: string
  /** What goes on meanwhile: how much was done so far, and what failed. */
  readonly done: () => number
  readonly failures: () => readonly string[]
  /** Members that hold replicas say when each has its share; in Redis a member has at once what it takes. */
  readonly engine: 'embedded' | 'redis'
  readonly t: TestContext
}

const replicas = 5
/** Every step waits for replicas that move, on a machine that may do much else. */
const stepMs = 150_000

/** `--scale SERVICE=5` and `--scale SERVICE=0`: five more come, have their share, and go, and nobody who works with the cluster notices. */
export async function scaleUpAndDown({ world, scaled, done, failures, engine, t }: Scaling): Promise<void> {
  const named = [...world.containers]
  const step = async (what: string, isSo: (view: MembersView) => boolean): Promise<void> => {
    const startedAt = performance.now()
    await until(what, async () => isSo(await membersAt(named)), stepMs)
    t.diagnostic(`${what} after ${Math.round(performance.now() - startedAt)} ms; ${done()} done so far`)
    const before = done()
    await until(`work goes on: ${what}`, () => done() > before + 20, stepMs)
    assert.deepEqual(failures(), [], what)
  }
  const isWhole =
    (count: number) =>
    ({ members, moves_left: left }: MembersView): boolean => {
      const active = members.filter(({ state }) => state === 'active')
      const areThose = engine === 'redis' || (left === 0 && members.length === count)
      return active.length === count && areThose
    }
  await step('three work', isWhole(3))
  const started = world.scale(scaled, replicas)
  await world.ready(stepMs)
  await step('eight have their share', isWhole(3 + replicas))
  const names = (await membersAt(named)).members.map(({ node_id: id }) => id)
  for (const { host } of started) assert.ok(names.includes(host), `${host} is a member under the name of its host`)
  assert.deepEqual(
    await Promise.all(started.map((container) => container.stop())),
    Array.from({ length: replicas }, () => 0),
  )
  for (const container of started) world.drop(container)
  await step('three are left', isWhole(3))
  for (const container of started) assert.deepEqual(leftBy(container), [], `${container.host} left nothing behind`)
}

/** As the leader of the meta group has them. */
async function membersAt([first]: readonly ContainerProcess[]): Promise<MembersView> {
  const response = await fetch(`${first?.url}/cluster/members`, { signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new Error(`the members were not told: ${response.status}`)
  return (await response.json()) as MembersView
}
