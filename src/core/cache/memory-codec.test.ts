import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { millis } from '#base/brand.ts'
import type { MemoryCommand } from './commands.ts'
import { cacheLimits } from './limits.ts'
import { decodeAnswer, decodeCommand, encodeAnswer, encodeCommand } from './memory-codec.ts'
import { keyIn } from './memory-state.ts'
import { Memory } from './memory.ts'
import { TextValue } from './text-value.ts'
import type { Change, Identity } from './types.ts'
import { agentId, agentSession, cacheKey, grant, homeTerm, requestNumber } from './types.ts'

const value = fc.string({ maxLength: 20, unit: 'binary' }).map((text) => TextValue.ofText(text))
const key = fc.constantFrom(cacheKey('k'), cacheKey('l'), keyIn('space', 'm'))
const number = fc.integer({ min: 1, max: 3 })
const version = fc.record({ term: fc.constant(homeTerm(1)), grant: number.map(grant), sequence: number })
const condition = fc.oneof(
  fc.constant({ type: 'none' as const }),
  fc.constant({ type: 'absent' as const }),
  version.map((of) => ({ type: 'version' as const, version: of })),
)
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ type: fc.constant('set' as const), value, ttlMs: fc.option(fc.integer({ min: 1, max: 100 })), condition }),
  fc.record({ type: fc.constant('delete' as const), condition }),
  fc.record({ type: fc.constant('add' as const), by: fc.integer({ min: -5, max: 5 }) }),
)
const identity: fc.Arbitrary<Identity> = fc.record({
  client: fc.constantFrom('x', 'y'),
  sequence: number,
  confirmed: fc.constant(0),
  retry: fc.boolean(),
  again: fc.boolean(),
})

/** Numbers grow as a home makes them. */
const commands = fc
  .array(
    fc.tuple(
      fc.constantFrom('open', 'close', 'write', 'flush', 'evict', 'clear', 'capacity'),
      key,
      fc.array(fc.tuple(change, fc.option(identity)), { maxLength: 3 }),
      value,
    ),
  )
  .map((list) =>
    list.map(([type, of, operations, content], at): MemoryCommand => {
      const term = homeTerm(1)
      const next = grant(at + 10)
      if (type === 'open') return { term, type: 'open-session', agent: agentId(`a${at % 2}`), nonce: at + 1 }
      if (type === 'close') return { term, type: 'close-session', session: agentSession(at % 3) }
      if (type === 'flush') return { term, type: 'flush', key: of, dirty: { grant: next, sequence: 1, value: content } }
      if (type === 'evict') return { term, type: 'evict', key: of, grant: next }
      if (type === 'capacity')
        return { term, type: 'set-capacity', capacity: { bytesMax: at * 100, whenFull: at % 2 === 0 ? 'refuse' : 'lru' } }
      if (type === 'clear') return { term, type: 'clear', namespace: 'space', grant: next }
      return {
        term,
        type: 'write',
        key: of,
        session: agentSession((at % 3) + 1),
        request: requestNumber(at + 1),
        oldest: requestNumber(Math.max(1, at - 2)),
        grant: next,
        sequence: 0,
        dirty: null,
        operations: operations.map(([what, who]) => ({ change: what, identity: who })),
      }
    }),
  )

const snapshotOf = (memory: Memory): Uint8Array => Buffer.concat([...memory.snapshot()])

test('commands and answers survive their encoding, and a restored memory answers as the one it is of', () => {
  fc.assert(
    fc.property(commands, fc.nat(), (list, cut) => {
      const first = new Memory()
      let second = new Memory()
      list.forEach((command, at) => {
        const context = { term: 1, time: millis(at * 10), isReborn: false }
        const bytes = encodeCommand(command)
        const decoded = decodeCommand(bytes)
        assert.ok(decoded.ok)
        assert.deepEqual(structuredClone(decoded.value), structuredClone(command))
        const answer = first.apply(bytes, context)
        const copy = decodeAnswer(encodeAnswer(answer))
        assert.ok(copy.ok)
        assert.deepEqual(copy.value, answer)
        assert.deepEqual(second.apply(bytes, context), answer)
        if (at !== cut % list.length) return
        second = new Memory()
        assert.equal(second.restore(snapshotOf(first)), null)
      })
      assert.deepEqual(snapshotOf(second), snapshotOf(first))
      assert.equal(second.state.bytes, first.state.bytes)
    }),
  )
})

test('a restored memory does not carry out again what had to make room among the outcomes of its client', () => {
  const limits = { ...cacheLimits, outcomesPerClientMax: 1 }
  const context = { term: 1, time: millis(0), isReborn: false }
  const term = homeTerm(1)
  const adds = (at: number, sequence: number, again: boolean): MemoryCommand => {
    const operation = { change: { type: 'add', by: 1 }, identity: { client: 'x', sequence, confirmed: 0, retry: false, again } } as const
    const numbers = { session: agentSession(1), request: requestNumber(at), oldest: requestNumber(at), grant: grant(at), sequence: 0 }
    return { term, type: 'write', key: cacheKey('k'), ...numbers, dirty: null, operations: [operation] }
  }
  const first = new Memory(limits)
  first.execute({ term, type: 'open-session', agent: agentId('a'), nonce: 1 }, context)
  first.execute(adds(1, 1, false), context)
  first.execute(adds(2, 2, false), context)
  const second = new Memory(limits)
  assert.equal(second.restore(snapshotOf(first)), null)
  for (const memory of [first, second])
    assert.deepEqual(memory.execute(adds(3, 1, true), context), { type: 'written', outcomes: [{ type: 'unknown' }] })
})

test('bytes that are no command are refused and change nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const memory = new Memory()
      const before = snapshotOf(memory)
      const answer = memory.apply(bytes, { term: 0, time: millis(0), isReborn: false })
      if (decodeCommand(bytes).ok) return
      assert.deepEqual(answer, { type: 'refused', code: 'malformed' })
      assert.deepEqual(snapshotOf(memory), before)
    }),
  )
})

test('a snapshot that is damaged anywhere is refused', () => {
  const memory = new Memory()
  memory.execute(
    { term: homeTerm(1), type: 'flush', key: cacheKey('k'), dirty: { grant: grant(1), sequence: 1, value: TextValue.ofText('v') } },
    { term: 1, time: millis(0), isReborn: false },
  )
  const whole = snapshotOf(memory)
  for (let at = 0; at < whole.length; at++) {
    const damaged = Uint8Array.from(whole)
    damaged[at] = (damaged[at] ?? 0) ^ 1
    assert.notEqual(new Memory(cacheLimits).restore(damaged), null)
    assert.notEqual(new Memory(cacheLimits).restore(whole.subarray(0, at)), null)
  }
})

test('a value is the very bytes that it was written as, and what is no UTF-8 is no value', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const bytes = new TextEncoder().encode(`\ufeff${text}`)
      const { size, bytes: back } = TextValue.ofBytes(bytes)
      assert.deepEqual([size, [...back]], [bytes.length, [...bytes]])
    }),
  )
  const dirty = { grant: grant(1), sequence: 1, value: { size: 2, bytes: new Uint8Array([0x22, 0xff]) } }
  const spoiled = encodeCommand({ term: homeTerm(1), type: 'flush', key: cacheKey('k'), dirty })
  assert.deepEqual(decodeCommand(spoiled), { ok: false, error: 'a value that is no UTF-8' })
})
