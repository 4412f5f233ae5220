import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '#index.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'

/** Of slots, each of which has three. */
const replicas = 3 * 33

test('a node that is killed is taken for dead, its replicas move to a spare, and it is a member again when it is back', async (t) => {
  await using cluster = await QueueCluster.start(['--dead-after', '4s'])
  await using sync = await connect({ queue: cluster.nodes.map(({ url }) => url), timeoutMs: 30_000 })
  const queue = sync.queue<number>('work')
  for (let number = 0; number < 100; number++) await queue.send(number)
  await cluster.join('spare')
  const share = (id: string): ((view: Awaited<ReturnType<typeof cluster.members>>) => boolean) => {
    return ({ members, moves_left: left }) =>
      left === 0 && members.some((member) => member.node_id === id && member.state === 'active' && member.replicas > 10)
  }
  await cluster.untilMembers('the spare has its share', share('spare'))
  const [victim] = cluster.nodes as [NodeProcess]
  await victim.kill('SIGKILL')
  const deadMs = await cluster.untilMembers('it is taken for dead', ({ members }) =>
    members.some(({ node_id: id, state }) => id === victim.id && state === 'dead'),
  )
  assert.ok(deadMs >= 3_000, `it is given time; ${deadMs} ms`)
  const movedMs = await cluster.untilMembers('its replicas are elsewhere', ({ members, moves_left: left }) => {
    const others = members.filter(({ node_id: id, state }) => id !== victim.id && state === 'active')
    return left === 0 && others.length === 3 && others.reduce((sum, member) => sum + member.replicas, 0) >= replicas
  })
  victim.start()
  const backMs = await cluster.untilMembers('it has its share again', share(victim.id))
  t.diagnostic(`dead after ${deadMs} ms, replaced after ${movedMs} ms more, back after ${backMs} ms`)
  const found = new Set<number>()
  while (found.size < 100)
    for (const message of await queue.receive({ max: 100, waitMs: 10_000 })) {
      found.add(message.payload)
      await message.ack()
    }
})
