import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import type { RegisterCommand } from '#core/register/register.ts'
import { Checks } from '#sim/checks/checks.ts'
import { SimCluster } from '#sim/cluster.ts'
import type { SimNode } from '#sim/cluster.ts'
import { drawOptions } from '#sim/options.ts'
import { Trace } from '#sim/trace.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { faultless, timing } from '#test/harness/runtime-world.ts'
import type { RegisterOutcome } from './register-service.ts'
import { RegisterService } from './register-service.ts'

const group = 1

/** Four nodes and one slot, of which one node has no replica. */
class Cluster {
  readonly scheduler = new Scheduler()
  readonly sim: SimCluster

  constructor() {
    const { scheduler } = this
    const trace = new Trace(null, () => scheduler.now)
    const options = { ...drawOptions(new Prng(1), 0), founders: 4, spares: 0, slots: 1, timing, network: faultless }
    this.sim = new SimCluster({ scheduler, prng: new Prng(1), trace, checks: new Checks() }, options)
    for (const node of this.sim.nodes) this.sim.start(node)
    this.run(5_000)
  }

  run(ms: number): void {
    this.scheduler.run(this.scheduler.now + ms, () => {})
  }

  get holders(): SimNode[] {
    return this.sim.nodes.filter(({ node }) => node?.host?.groups.has(group) === true)
  }

  get commit(): number {
    return Math.max(...this.holders.map(({ node }) => node?.host?.groups.get(group)?.raft.commit ?? 0))
  }

  async execute({ node }: SimNode, command: RegisterCommand): Promise<RegisterOutcome> {
    const outcome = new RegisterService(present(node, 'the node runs')).execute(command, 2_000)
    this.run(2_100)
    return outcome
  }
}

test('a read sees what any node wrote before, and leaves nothing in the log where there is a replica', async () => {
  const cluster = new Cluster()
  for (const [value, writer] of cluster.sim.nodes.entries()) {
    await cluster.execute(writer, { type: 'write', key: 'k', value })
    const { commit } = cluster
    equal(cluster.holders.length, 3)
    for (const reader of cluster.holders) {
      deepEqual(await cluster.execute(reader, { type: 'read', key: 'k' }), { type: 'answered', answer: { value, done: true } })
    }
    equal(cluster.commit, commit)
  }
})

test('a node without a replica reads through the log', async () => {
  const cluster = new Cluster()
  const other = present(
    cluster.sim.nodes.find((node) => !cluster.holders.includes(node)),
    'one has no replica',
  )
  await cluster.execute(other, { type: 'write', key: 'k', value: 5 })
  const { commit } = cluster
  deepEqual(await cluster.execute(other, { type: 'read', key: 'k' }), { type: 'answered', answer: { value: 5, done: true } })
  ok(cluster.commit > commit)
})

test('a replica that hears no leader answers no read', async () => {
  const cluster = new Cluster()
  const [reader] = cluster.holders
  for (const { name } of cluster.sim.nodes) cluster.sim.network.cut(name, present(reader, 'somebody has a replica').name)
  const outcome = await cluster.execute(present(reader, 'somebody has a replica'), { type: 'read', key: 'k' })
  deepEqual(outcome, { type: 'refused', code: 'not-leader' })
})
