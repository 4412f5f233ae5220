import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonBytes } from '#api/schemas.ts'
import { Overloading } from '#test/harness/overloading.ts'
import { QueueWorld } from '#test/harness/queue-world.ts'
import { TestCall } from '#test/harness/service-world.ts'

const body = new TextEncoder().encode('{}') as Uint8Array as JsonBytes

test('twice the messages that are carried are shed early, whoever has a message can ack it, and all is as before at once', async (t) => {
  const world = await QueueWorld.start()
  const load = new Overloading(world, async (node, number, hear) => {
    const queues = world.queues(node)
    const queue = `q${number % 8}`
    const produced = await hear(() => queues.produce({ queue, messages: [{ message: body }] }, new TestCall()), 'new')
    if (!produced.ok) return produced
    const [first] = produced.value
    if (first?.ok === false) return first
    const taken = await hear(() => queues.consume({ queue, consumer_id: 'load', max: 2, wait_ms: 0 }, new TestCall()), 'new')
    if (!taken.ok || taken.value.messages.length === 0) return taken
    const refs = taken.value.messages.map(({ message_id, delivery_count: lease }) => ({ message_id, lease }))
    const acked = await hear(() => queues.ack({ refs }, new TestCall()), 'keeps')
    ok(acked.ok, `an ack was refused: ${acked.ok ? '' : acked.error.code}`)
    return acked
  })
  const carried = await load.carried(24, 5_000)
  const under = await load.pace(2 * carried, 20_000)
  t.diagnostic(
    `${carried} a second; under twice that ${under.done} done, the longest in ${under.longestMs} ms, ${[...under.codes].join(' ')}`,
  )
  deepEqual([...under.codes.keys()], ['overloaded'])
  ok(under.done >= 0.8 * carried * 20, `${under.done} were done`)
  const after = await load.pace(carried / 2, 5_000)
  deepEqual([...after.codes], [])
})
