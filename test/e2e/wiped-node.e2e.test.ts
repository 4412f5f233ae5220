import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import type { NodeStatus } from '#services/register/register-service.ts'
import { CounterLoad } from '#test/harness/counter-load.ts'
import { ProcessCluster } from '#test/harness/process-cluster.ts'
import { until } from '#test/harness/until.ts'

const incarnationOf = (replica: string): string => replica.split('/').at(-2) ?? ''

/** Whatever still speaks of that life of a node; the members as the node knows them, and the configuration of each of its replicas. */
function tracesOf(incarnation: string, { name, members, groups }: NodeStatus): string[] {
  const memberships = groups.flatMap(({ group, voters, learners }) => [...voters, ...learners].map((replica) => ({ group, replica })))
  return [
    ...members.filter((member) => member.incarnation === incarnation).map((member) => `${name} counts ${member.name} as a member`),
    ...memberships
      .filter(({ replica }) => incarnationOf(replica) === incarnation)
      .map(({ group, replica }) => `${name}, group ${group}: ${replica}`),
  ]
}

test('a wiped node comes back under the same name as another, gets its replicas again, and nothing is lost', async (t) => {
  await using cluster = await ProcessCluster.start(['--log-level', 'warn', '--slots', '3'])
  await using load = new CounterLoad({ clients: 4, nodes: () => cluster.running })
  load.start()
  await until('the cluster knows its members', async () => {
    const statuses = [...(await cluster.statuses()).values()]
    return (
      statuses.length === 3 && statuses.every(({ members }) => members.length === 3 && members.every(({ state }) => state === 'active'))
    )
  })
  await load.progress(100)
  const victim = await cluster.leader(1)
  const { incarnation: former, clusterId } = await cluster.status(victim)
  await victim.kill('SIGKILL')
  rmSync(victim.data, { recursive: true })
  await load.progress(50)
  victim.start()
  const startedAt = performance.now()
  const isWhole = async (): Promise<boolean> => {
    const statuses = [...(await cluster.statuses()).values()]
    const living = new Set(statuses.map(({ incarnation }) => incarnation))
    return (
      living.size === 3 &&
      statuses.every(({ groups, members }) => groups.length === 4 && members.every(({ state }) => state === 'active')) &&
      statuses.every(({ groups }) =>
        groups.every(({ voters, learners, changing }) => {
          const voices = new Set(voters.map(incarnationOf))
          return !changing && learners.length === 0 && voices.size === 3 && [...voices].every((incarnation) => living.has(incarnation))
        }),
      )
    )
  }
  await until('every group has three living voters again', isWhole, 40_000)
  t.diagnostic(`every group had three living voters ${(performance.now() - startedAt).toFixed(0)} ms after the wiped node was started`)
  await load.progress(50)
  const status = await cluster.status(victim)
  assert.notEqual(status.incarnation, former, 'a wiped node is not its former self')
  assert.equal(status.clusterId, clusterId)
  for (const seen of (await cluster.statuses()).values()) assert.deepEqual(tracesOf(former, seen), [])

  await load.stop()
  for (const node of cluster.nodes) assert.deepEqual(await load.check(node), [])
  const { acknowledged, unknown, refused } = load.totals
  t.diagnostic(`${acknowledged} acknowledged, ${unknown} unknown, ${refused} refused`)
})
