import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { millis, wallMillis } from '#base/brand.ts'
import { crc32 } from '#base/codec/checksum.ts'
import { Prng } from '#base/prng.ts'
import { encodeCommand } from './command-codec.ts'
import { checkInvariants } from './invariants.ts'
import { QueueMachine } from './machine.ts'
import { viewMessages } from './queries.ts'
import { concat, identity, queueOf, TestQueues } from './testkit.ts'
import { message, sampleCommands } from './testkit-samples.ts'
import { consumerId, queueName } from './types.ts'

/** One of everything that a snapshot holds. */
function everything(): TestQueues {
  const queues = new TestQueues()
  queues.configure({ visibilityMs: 1_000, dedupeWindowMs: 5_000 })
  queues.configure({ deadLetterQueue: queueName('dead'), maxLength: 50, overflow: 'drop-head', ttlMs: 9_000 }, 2)
  queues.produceAs('p#1', 'a b c')
  queues.produceAs('p#2', 'd')
  queues.produce('e f g', { key: 'k', dedupeId: null })
  queues.produce('h', { priority: 4, dedupeId: 'x' })
  queues.produce('i', { delay: { type: 'after', ms: 700 } })
  queues.produce('j', { delay: { type: 'at', instant: wallMillis(1_800_000_000_000) } })
  queues.consume(4, { by: 'first' })
  queues.pass(1_000)
  queues.consume(3, { by: 'second' })
  queues.ack('a')
  queues.reject('b2 h2')
  queues.produce('l m n o', {}, queueOf(2, 3))
  queues.consume(3, { queue: queueOf(2, 3) })
  queues.reject('l1 m1')
  queues.postpone('l', 400)
  queues.produce('q r', {}, queueOf(1, 1))
  queues.redrive({ queue: queueOf(1, 1), from: 'ready', max: 1 })
  queues.redrive({ rate: 1 })
  queues.delete(9, 77)
  return queues
}

const restored = (bytes: Uint8Array): string | null => new QueueMachine(identity).restore(bytes)

function withChecksum(bytes: Uint8Array): Uint8Array {
  const whole = bytes.slice()
  new DataView(whole.buffer).setUint32(whole.length - 4, crc32(whole.subarray(0, -4)))
  return whole
}

test('a restored machine has the same snapshot, and holds what the other one held', () => {
  const queues = everything()
  const bytes = queues.snapshot()
  const late = new QueueMachine(identity)
  equal(late.restore(bytes), null)
  checkInvariants(late.state)
  deepEqual(concat([...late.snapshot()]), bytes)
  for (const queue of [queueOf(1), queueOf(1, 1), queueOf(2, 3)]) {
    deepEqual([...viewMessages(late.state, queue)], [...viewMessages(queues.machine.state, queue)])
  }
  const { state } = queues.machine
  deepEqual(late.state.nextDeadline(), state.nextDeadline())
  deepEqual([late.state.deletedAt, late.state.time, late.state.wall], [77, state.time, state.wall])
  const states = new Set(
    [...viewMessages(state, queueOf(1)), ...viewMessages(state, queueOf(1, 1)), ...viewMessages(state, queueOf(2, 3))].map(
      (each) => each.state,
    ),
  )
  equal(states.size, 5, 'every state is there')
})

test('a snapshot that lost its end or a single bit is refused with a reason', () => {
  const bytes = everything().snapshot()
  for (let length = 0; length < bytes.length; length++) notEqual(restored(bytes.subarray(0, length)), null)
  for (let at = 0; at < bytes.length; at++) notEqual(restored(bytes.with(at, (bytes[at] ?? 0) ^ (1 << (at % 8)))), null)
})

test('a refused snapshot leaves the machine as it was, and one of another slot or format is refused', () => {
  const queues = everything()
  const bytes = queues.snapshot()
  equal(queues.machine.restore(bytes.subarray(1)), 'not a snapshot of queues')
  deepEqual(queues.snapshot(), bytes)
  equal(new QueueMachine({ ...identity, slot: 8 }).restore(bytes), 'of another slot')
  equal(new QueueMachine({ ...identity, clusterId: 'other' }).restore(bytes), 'of another slot')
  equal(restored(withChecksum(bytes.with(4, 99))), 'format 99, which this build does not know')
})

test('records that do not fit together are refused or taken whole, but never end the process', () => {
  const bytes = everything().snapshot()
  const prng = new Prng(1)
  const reasons = new Set<string>()
  let taken = 0
  for (let round = 0; round < 20_000; round++) {
    const damaged = bytes.slice()
    for (let faults = prng.between(1, 3); faults > 0; faults--) damaged[prng.between(5, bytes.length - 5)] = prng.between(0, 255)
    const machine = new QueueMachine(identity)
    const reason = machine.restore(withChecksum(damaged))
    if (reason === null) {
      taken++
      machine.apply(encodeCommand({ type: 'expire-due' }), { index: 1e9, term: 1, time: millis(1e7), wall: wallMillis(1.9e12) })
    } else reasons.add(reason)
  }
  ok(reasons.size > 15, [...reasons].join('; '))
  ok(taken > 0)
})

test('a snapshot of any size comes in small pieces', () => {
  const queues = new TestQueues()
  queues.configure()
  const { machine } = queues
  for (let index = 10; index < 5_000; index++) {
    const command = encodeCommand({ type: 'produce', queue: queueOf(), producer: null, messages: [message('x', { key: `key-${index}` })] })
    machine.apply(command, { index, term: 1, time: millis(0), wall: wallMillis(0) })
  }
  const pieces = [...machine.snapshot()]
  ok(pieces.length > 5)
  ok(Math.max(...pieces.map(({ length }) => length)) < 20_000)
  equal(restored(concat(pieces)), null)
})

test('bytes that are no command are refused with a reason, and change nothing', () => {
  const queues = everything()
  const { machine } = queues
  const before = queues.snapshot()
  const context = { index: 1_000, term: 1, time: millis(5_000), wall: wallMillis(1.7e12) }
  const good = encodeCommand({ type: 'consume', queue: queueOf(), consumer: consumerId('c'), max: 1, bytesMax: 1, visibilityMs: null })
  for (const bytes of [[], [99], [...good, 0], good.subarray(1), [3, 1, 0, 0, 1, 12], [8, 1, 0xff, 0xff, 0xff]]) {
    const { answer, events } = machine.apply(Uint8Array.from(bytes), context)
    equal(answer.type === 'refused' && answer.code === 'malformed' && answer.detail.length > 0, true)
    deepEqual(events, [])
  }
  deepEqual(queues.snapshot(), before)
})

test('any bytes at all are answered, and leave a sound machine', () => {
  const good = sampleCommands.map(encodeCommand)
  const damaged = fc
    .tuple(fc.constantFrom(...good), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 2 }))
    .map(([bytes, faults]) => faults.reduce((whole, [at, byte]) => whole.with(at % whole.length, byte), bytes))
  const { machine } = everything()
  let index = 1_000
  fc.assert(
    fc.property(fc.oneof({ weight: 1, arbitrary: fc.uint8Array() }, { weight: 4, arbitrary: damaged }), (bytes) => {
      index++
      const { answer } = machine.apply(bytes, { index, term: 1, time: millis(3_000 + index), wall: wallMillis(1.7e12 + index) })
      equal(typeof answer.type, 'string')
      checkInvariants(machine.state)
    }),
    { numRuns: 3_000 },
  )
})

test('a command that is well-formed but makes no sense is refused by the name of its field', () => {
  const queues = new TestQueues()
  queues.configure()
  equal(queues.produce('a', { key: '' }), 'invalid key')
  equal(queues.produce('a', { dedupeId: '' }), 'invalid dedupeId')
  equal(queues.produce('a', { ttlMs: 0 }), 'invalid ttlMs')
  equal(queues.produce('a', {}, queueOf(1, 5_000)), 'invalid partition')
  equal(queues.produceAs('p#0', 'a'), 'invalid producer')
  equal(queues.consume(0), 'invalid max')
  equal(queues.consume(1_001), 'invalid max')
  equal(queues.consume(1, { by: '' }), 'invalid consumer')
  equal(queues.consume(1, { visibilityMs: 0 }), 'invalid visibilityMs')
  equal(queues.redrive({ rate: 0 }), 'invalid rate')
  equal(queues.try({ type: 'ack', receipts: [] }), 'invalid receipts')
  equal(queues.configure({ visibilityMs: 0 }), 'invalid visibilityMs')
  equal(queues.try({ type: 'configure', queue: { ...definition(), name: queueName('a\nb') }, catalogueVersion: 1 }), 'invalid name')
})

const definition = (): Extract<(typeof sampleCommands)[number], { readonly type: 'configure' }>['queue'] => {
  const [configure] = sampleCommands
  ok(configure?.type === 'configure')
  return configure.queue
}
