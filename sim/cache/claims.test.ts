import { doesNotThrow, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import type { MemoryCommand } from '#core/cache/commands.ts'
import { encodeAnswer, encodeCommand } from '#core/cache/memory-codec.ts'
import { Memory } from '#core/cache/memory.ts'
import type { Change } from '#core/cache/types.ts'
import { agentId, agentSession, cacheKey, grant, homeTerm, requestNumber } from '#core/cache/types.ts'
import { slotOf } from '#core/ring/partition.ts'
import { Claims } from './claims.ts'
import { Ledger } from './ledger.ts'

const k = cacheKey('k')
const term = homeTerm(3)
const nobody = (): number | null => null

/** A slot whose log a test writes, and what clients say of it. */
class Scene {
  now = 0
  readonly memory = new Memory()
  readonly claims: Claims = new Claims(
    () => this.now,
    () => this.ledger,
  )
  readonly ledger: Ledger
  #index = 0
  #grant = 0
  #request = 0

  constructor(pressure = false) {
    this.ledger = new Ledger({
      now: () => this.now,
      slots: 1,
      pressure,
      added: (log, moment) => this.claims.added(log, moment, log.before(moment)),
    })
    this.log({ type: 'open-session', term, agent: agentId('a'), nonce: 1 })
  }

  /** `lie` changes the replica's state before the ledger sees it. */
  log(command: MemoryCommand, { time = 0, lie = () => {} }: { time?: number; lie?: (memory: Memory) => void } = {}): void {
    this.now += 10
    const answer = this.memory.execute(command, { term, time: millis(time), isReborn: false })
    lie(this.memory)
    this.ledger.applied({
      slot: 1,
      index: ++this.#index,
      position: 0,
      term,
      time,
      bytes: encodeCommand(command),
      answer: encodeAnswer(answer),
      state: this.memory.state,
    })
  }

  /** The version that it makes. */
  write(change: Change, how: Parameters<Scene['log']>[1] = {}): string {
    const operations = [{ change, identity: null }]
    const request = requestNumber(++this.#request)
    const written = {
      session: agentSession(1),
      request,
      oldest: request,
      grant: grant(++this.#grant),
      sequence: 0,
      dirty: null,
      operations,
    }
    this.log({ type: 'write', term, key: k, ...written }, how)
    return `3.${this.#grant}.0`
  }

  end(type: 'evict' | 'expire', how: Parameters<Scene['log']>[1] = {}): void {
    const common = { term, key: k, grant: grant(++this.#grant) }
    this.log(type === 'evict' ? { type, ...common } : { type, ...common, version: this.memory.state.versionOf(k) }, how)
  }

  read(value: number | null, version: string): void {
    this.now++
    const claim = this.claims.called('reader', k, { type: 'read' })
    this.now++
    this.claims.read(claim, { value, version })
  }

  /** A client writes and is told so. */
  told(value: number): string {
    const claim = this.claims.called('writer', k, { type: 'set', value })
    const version = this.write(set(value))
    this.now++
    this.claims.changed(claim, { version, value: null }, null)
    return version
  }
}

const set = (value: number, ttlMs: number | null = null): Change => ({
  type: 'set',
  value: valueOf(value),
  ttlMs,
  condition: { type: 'none' },
})

function valueOf(number: number): { readonly size: number; readonly bytes: Uint8Array } {
  const bytes = Buffer.from(String(number))
  return { size: bytes.length, bytes }
}

test('what is written, read and deleted in order is what was promised', () => {
  const scene = new Scene()
  const first = scene.told(1)
  scene.read(1, first)
  scene.read(2, scene.told(2))
  const claim = scene.claims.called('writer', k, { type: 'delete' })
  const version = scene.write({ type: 'delete', condition: { type: 'none' } })
  scene.claims.changed(claim, { version, value: null }, null)
  scene.read(null, '3.99.0')
  doesNotThrow(() => scene.claims.judge(nobody))
})

test('who reads less than was told to anybody before is found at once', () => {
  const scene = new Scene()
  const first = scene.told(1)
  scene.told(2)
  throws(() => scene.read(1, first), /older than what was told before/)
})

test('who reads less than was told before is also found by the values alone', () => {
  const scene = new Scene()
  scene.told(1)
  const second = scene.told(2)
  const claim = scene.claims.called('liar', k, { type: 'read' })
  // The version is right, and the value belongs to another.
  throws(() => scene.claims.read(claim, { value: 1, version: second }), /is 1, and it is 2/)
})

test('who is told a value that is not in the log is found', () => {
  const scene = new Scene()
  throws(() => scene.read(7, '3.7.0'), /not in the log/)
})

test('a key that is said to be absent while it has a value is found', () => {
  const scene = new Scene()
  scene.told(1)
  throws(() => scene.read(null, '3.1.0'), /finds k absent/)
})

test('a write that is told before the log has it is found, unless an owner may have answered it', () => {
  const scene = new Scene()
  const claim = scene.claims.called('writer', k, { type: 'set', value: 1 })
  throws(() => scene.claims.changed(claim, { version: '3.9.0', value: null }, null), /the log does not have it/)
  equal(scene.claims.changed(claim, { version: '3.9.0', value: null }, 'a'), 'owed')
})

test('nobody but the writer reads what an owner has answered and memory does not have', () => {
  const scene = new Scene()
  const told = { version: '3.9.0', value: 1 }
  scene.claims.changed(scene.claims.called('writer', k, { type: 'set', value: 1 }), { ...told, value: null }, 'a')
  equal(scene.claims.readPrivately(scene.claims.called('writer', k, { type: 'read' }), told, 'a'), true)
  throws(() => scene.claims.readPrivately(scene.claims.called('other', k, { type: 'read' }), told, 'a'), /memory does not have/)
})

test('who waits no longer for what it has written reads it before memory has it, and nobody else does', () => {
  const scene = new Scene()
  const told = { version: '3.9.1', value: 1 }
  const claim = scene.claims.called('writer', k, { type: 'set', value: 1 })
  const read = (client: string, value = 1): boolean => {
    const reading = scene.claims.called(client, k, { type: 'read' })
    return scene.claims.readPrivately(reading, { ...told, value }, 'a')
  }
  equal(read('writer'), false)
  scene.claims.unanswered(claim)
  equal(read('writer'), true)
  equal(read('writer', 2), false)
  equal(read('other'), false)
  throws(() => scene.read(1, told.version), /not in the log/)
})

test('what an owner has answered and lost must be counted by it, if it lives', () => {
  const owe = (): Scene => {
    const scene = new Scene()
    scene.claims.changed(scene.claims.called('writer', k, { type: 'set', value: 1 }), { version: '3.9.0', value: null }, 'a')
    return scene
  }
  throws(() => owe().claims.judge(() => 0), /counts 0/)
  doesNotThrow(() => owe().claims.judge(() => 1))
  doesNotThrow(() => owe().claims.judge(nobody))
})

test('nobody reads a value after memory has ended it', () => {
  const scene = new Scene(true)
  const version = scene.told(1)
  scene.end('evict')
  throws(() => scene.read(1, version), /older than what was told before/)
})

test('a value that goes before its life is over, or while there is room, is found', () => {
  const scene = new Scene()
  scene.write(set(1, 500), { time: 100 })
  throws(
    () => scene.end('expire', { time: 599, lie: ({ state }) => state.remove(k, { term, grant: grant(9), sequence: 0 }) }),
    /lives until 600/,
  )
  throws(() => scene.end('evict'), /there is room/)
  scene.end('expire', { time: 600 })
  equal(scene.ledger.of(k).last.value, null)
})

test('a replica that has something else than was carried out is found', () => {
  const scene = new Scene()
  const lie = ({ state }: Memory): void => state.put(k, valueOf(8), { version: { term, grant: grant(1), sequence: 0 }, expiresAt: null })
  throws(() => scene.write(set(1), { lie }), /k is 8 in memory/)
})

test('a version that goes back is found (rule 13)', () => {
  const scene = new Scene()
  scene.write(set(1))
  const dirty = { grant: grant(1), sequence: 0, value: valueOf(2) }
  scene.log({ type: 'flush', term, key: k, dirty: { ...dirty, grant: grant(5) } })
  throws(() => {
    scene.memory.state.remove(k, { term, grant: grant(5), sequence: 0 })
    scene.log({ type: 'flush', term, key: k, dirty: { ...dirty, grant: grant(4) } })
  }, /rule 13/)
})

test('what a former home decided and memory carries out is found', () => {
  const scene = new Scene()
  throws(
    () =>
      scene.ledger.applied({
        slot: 1,
        index: 99,
        position: 0,
        term: 4,
        time: 0,
        bytes: encodeCommand({ type: 'close-session', term, session: agentSession(1) }),
        answer: encodeAnswer({ type: 'done' }),
        state: scene.memory.state,
      }),
    /a former home/,
  )
})

test('a clear that is told while a key keeps its value is found', () => {
  const scene = new Scene()
  scene.told(1)
  const clearance = scene.claims.clearing([k])
  throws(() => scene.claims.cleared('operator', clearance), /has had a value all the time/)
  scene.log({ type: 'clear', term, namespace: '', grant: grant(50) })
  doesNotThrow(() => scene.claims.cleared('operator', clearance))
})

test('a clear of another namespace, or of another slot, ends nothing', () => {
  const scene = new Scene()
  const version = scene.told(1)
  scene.log({ type: 'clear', term, namespace: 'n', grant: grant(50) })
  scene.read(1, version)
  const ledger = new Ledger({ now: () => 0, slots: 2, pressure: false, added: () => {} })
  const elsewhere = 3 - slotOf(k, 0, 2)
  const applied = { index: 1, position: 0, term, time: 0, answer: encodeAnswer({ type: 'done' }), state: scene.memory.state }
  const flush = { type: 'flush', term, key: k, dirty: { grant: grant(1), sequence: 0, value: valueOf(1) } } as const
  ledger.applied({ ...applied, slot: 3 - elsewhere, bytes: encodeCommand(flush) })
  ledger.applied({ ...applied, slot: elsewhere, bytes: encodeCommand({ type: 'clear', term, namespace: '', grant: grant(50) }) })
  equal(ledger.of(k).last.value, 1)
})

test('what an owner had when its namespace was cleared is not lost', () => {
  const scene = new Scene()
  scene.claims.changed(scene.claims.called('writer', k, { type: 'set', value: 1 }), { version: '3.9.0', value: null }, 'a')
  scene.log({ type: 'clear', term, namespace: '', grant: grant(50) })
  doesNotThrow(() => scene.claims.judge(() => 0))
})

test('who is told of no version is known by the value', () => {
  const scene = new Scene()
  scene.told(1)
  const early = scene.claims.called('reader', k, { type: 'read' })
  scene.told(2)
  equal(scene.claims.readValue(early, 1, 'a'), 'in-memory')
  const late = scene.claims.called('reader', k, { type: 'read' })
  throws(() => scene.claims.readValue(late, 1, 'a'), /older than what was told before/)
  throws(() => scene.claims.readValue(late, 3, 'a'), /not in the log/)
})

test('by its value too, what an owner has written is for the handle that wrote it', () => {
  const scene = new Scene()
  scene.claims.changed(scene.claims.called('writer', k, { type: 'set', value: 1 }), { version: '3.9.0', value: null }, 'a')
  equal(scene.claims.readValue(scene.claims.called('writer', k, { type: 'read' }), 1, 'a'), 'private')
  throws(() => scene.claims.readValue(scene.claims.called('other', k, { type: 'read' }), 1, 'a'), /memory does not have/)
})

test('what was said not to be carried out is found when it comes, or when it was there already', () => {
  const late = new Scene()
  late.claims.notDone(late.claims.called('writer', k, { type: 'set', value: 1 }))
  throws(() => late.write(set(1)), /is not carried out, and it is version/)
  const early = new Scene()
  const claim = early.claims.called('writer', k, { type: 'set', value: 1 })
  early.write(set(1))
  throws(() => early.claims.notDone(claim), /is not carried out, and it is version/)
  const sum = new Scene()
  sum.write(set(1))
  sum.claims.notDone(sum.claims.called('writer', k, { type: 'add', by: 1_000_000 }))
  throws(() => sum.write({ type: 'add', by: 1_000_000 }), /is not carried out, and it is version/)
})

test('a change that nobody was told of was done when the log has it, and otherwise never', () => {
  const scene = new Scene()
  const done = scene.claims.called('dead', k, { type: 'add', by: 5 })
  scene.write({ type: 'add', by: 5 })
  scene.claims.doubtful(done)
  scene.claims.doubtful(scene.claims.called('dead', k, { type: 'set', value: 9 }))
  scene.claims.readValue(scene.claims.called('reader', k, { type: 'read' }), 5, 'a')
  doesNotThrow(() => scene.claims.judge(nobody))
})

test('a change that nobody was told of is not known to those who have an older copy, until somebody is', () => {
  for (const isTold of [false, true]) {
    const scene = new Scene()
    const aborted = scene.claims.called('writer', k, { type: 'set', value: 1 })
    const version = scene.write(set(1))
    scene.claims.doubtful(aborted)
    const reading = scene.claims.called('reader', k, { type: 'read' })
    if (isTold) scene.read(1, version)
    scene.now++
    scene.claims.readValue(reading, null, 'a')
    if (!isTold) scene.read(1, version)
    doesNotThrow(() => scene.claims.judge(nobody))
    throws(() => scene.read(null, '0.0.0'), /absent/)
  }
})

test('deletes that nobody was told of were carried out where the log has them, and excuse nothing else', () => {
  for (const lies of [false, true]) {
    const scene = new Scene()
    for (let n = 0; n < 20; n++) scene.claims.called('dead', k, { type: 'delete' })
    for (let value = 1; value <= 40; value++) {
      scene.told(value)
      if (lies && value === 15) scene.claims.mismatch(scene.claims.called('liar', k, { type: 'delete-if', expected: value }))
      if (value % 10 !== 0) continue
      const reading = scene.claims.called('reader', k, { type: 'read' })
      scene.write({ type: 'delete', condition: { type: 'none' } })
      scene.now++
      scene.claims.readValue(reading, null, 'a')
    }
    if (lies) throws(() => scene.claims.judge(nobody), /not linearizable/)
    else doesNotThrow(() => scene.claims.judge(nobody))
  }
})

test('decision C10: what a loader brought is found when it is stored over what was written after it began', () => {
  const scene = new Scene()
  scene.claims.loading('loader', k, 7)
  scene.write(set(1))
  scene.write({ type: 'delete', condition: { type: 'none' } })
  throws(() => scene.write(set(7)), /was written meanwhile/)
})

test('decision C10: what a loader brought is for who asked before it began, stored or not, and nobody else', () => {
  const scene = new Scene()
  const claim = scene.claims.called('loader', k, { type: 'read' })
  scene.claims.loading('loader', k, 7)
  scene.claims.filled(claim, 7, { agent: 'a', isBrought: true })
  const other = scene.claims.called('loader', k, { type: 'read' })
  throws(() => scene.claims.filled(other, 7, { agent: 'a', isBrought: false }), /not in the log/)
  doesNotThrow(() => scene.claims.judge(nobody))
})

test('a delete that is told while the key keeps its value is found', () => {
  const scene = new Scene()
  const claim = scene.claims.called('writer', k, { type: 'delete' })
  scene.claims.deleted(claim)
  scene.told(1)
  throws(() => scene.claims.deleted(scene.claims.called('writer', k, { type: 'delete' })), /has had a value all the time/)
})
