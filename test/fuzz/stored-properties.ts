import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { millis } from '#base/brand.ts'
import { crc32 } from '#base/codec/checksum.ts'
import { settingsFile } from '#cli/config/settings-file.ts'
import type { MemoryCommand } from '#core/cache/commands.ts'
import { encodeCommand } from '#core/cache/memory-codec.ts'
import { keyIn } from '#core/cache/memory-state.ts'
import { Memory } from '#core/cache/memory.ts'
import { TextValue } from '#core/cache/text-value.ts'
import type { Change, Key } from '#core/cache/types.ts'
import { agentId, agentSession, cacheKey, grant, homeTerm, requestNumber } from '#core/cache/types.ts'
import { LockMachine } from '#core/lock/machine.ts'
import { TestLocks } from '#core/lock/testkit.ts'
import { encodeCatalogueCommand } from '#core/queue/catalogue-codec.ts'
import { Catalogue } from '#core/queue/catalogue.ts'
import { QueueMachine } from '#core/queue/machine.ts'
import { identity, TestQueues } from '#core/queue/testkit.ts'
import { queueName } from '#core/queue/types.ts'
import { openRecord, recordOf } from '#io/entry-codec/record.ts'
import { pageBytes } from '#io/journal/limits.ts'
import { recordAt, recordHeaderBytes, sealRecord } from '#io/journal/record.ts'
import { saysNoSecret } from './judged-answer.ts'
import { secret } from './http-requests.ts'
import { checkProperty } from './seeded.ts'
import { textsOfSpoiled } from './spoiled-json.ts'
import { areEqual, spoiled } from './spoiled-bytes.ts'

/** What is read back from disk or from another node may be anything: a damaged record is no record, and a snapshot is whole or refused. */

const journal = 77

/** A record of the journal that was damaged is none: never another payload under its number. */
export async function damagedJournalRecords(numRuns: number): Promise<void> {
  const payload = Buffer.from('what a client was told is durable'.repeat(200))
  const record = Buffer.concat([Buffer.alloc(recordHeaderBytes), payload])
  sealRecord(record, journal, 5)
  let lost = 0
  const property = fc.property(spoiled(record), (bytes) => {
    const pages = Buffer.alloc(Math.max(1, Math.ceil(bytes.length / pageBytes)) * pageBytes)
    pages.set(bytes)
    const found = recordAt(pages, journal, 0)
    if (found === null) lost++
    else deepEqual([found.number, areEqual(found.payload, payload)], [5, true])
  })
  await checkProperty('records of the journal', property, { numRuns })
  ok(lost > numRuns / 2, `only ${lost} were damaged`)
}

/** A record of the store that was damaged, or that lies under another key, is damage or of a later format, and never a payload. */
export async function damagedStoreRecords(numRuns: number): Promise<void> {
  const key = Uint8Array.of(1, 2, 3)
  const payload = Buffer.from(JSON.stringify({ term: 7, vote: 'n1' }))
  const record = recordOf(key, payload)
  equal(openRecord(Uint8Array.of(1, 2, 4), record).type, 'damaged')
  let damaged = 0
  const property = fc.property(spoiled(record), (bytes) => {
    const opened = openRecord(key, bytes)
    if (opened.type === 'payload') ok(areEqual(opened.payload, payload))
    else damaged++
  })
  await checkProperty('records of the store', property, { numRuns })
  ok(damaged > numRuns / 2, `only ${damaged} were damaged`)
}

interface Restorable {
  readonly restore: (bytes: Uint8Array) => string | null
  readonly snapshot: () => Iterable<Uint8Array>
}

const machines = {
  locks: (): Restorable => new LockMachine(),
  queues: (): Restorable => new QueueMachine(identity),
  catalogue: (): Restorable => new Catalogue(),
  memory: (): Restorable => new Memory(),
} as const

const bytesOf = (machine: Restorable): Uint8Array => Buffer.concat([...machine.snapshot()])

function sampleSnapshots(): Readonly<Record<keyof typeof machines, Uint8Array>> {
  const locks = new TestLocks()
  locks.open('A/a', { lockDelayMs: 100 })
  for (const who of ['A/a', 'B', 'C']) locks.acquire(who, 'x y:s')
  const queues = new TestQueues()
  queues.configure({ visibilityMs: 1_000, dedupeWindowMs: 5_000 })
  queues.produce('a b c d e', { key: 'k' })
  queues.consume(2)
  queues.reject('a1')
  const catalogue = new Catalogue()
  for (const name of ['a', 'b']) catalogue.apply(encodeCatalogueCommand({ type: 'ensure', name: queueName(name) }))
  return { locks: locks.snapshot(), queues: queues.snapshot(), catalogue: bytesOf(catalogue), memory: bytesOf(fullMemory()) }
}

/** With a record of every kind that a memory can have. */
function fullMemory(): Memory {
  const memory = new Memory()
  const term = homeTerm(1)
  const [session, none] = [agentSession(1), { type: 'none' } as const]
  const setting = (text: string, ttlMs: number | null): Change => ({ type: 'set', value: TextValue.ofText(text), ttlMs, condition: none })
  const byFirst = { type: 'write', term, session, oldest: requestNumber(1), sequence: 0, dirty: null } as const
  const write = (key: Key, at: number, change: Change): MemoryCommand => ({
    ...byFirst,
    key,
    request: requestNumber(at),
    grant: grant(at),
    operations: [{ change, identity: { client: 'c', sequence: at, confirmed: 0, retry: false, again: false } }],
  })
  const commands: readonly MemoryCommand[] = [
    { term, type: 'open-session', agent: agentId('a'), nonce: 1 },
    { term, type: 'set-capacity', capacity: { bytesMax: 10_000, whenFull: 'refuse' } },
    write(cacheKey('kept'), 2, setting('"for a while"', 60_000)),
    write(keyIn('space', 'cleared'), 3, setting('1', null)),
    { term, type: 'clear', namespace: 'space', grant: grant(4) },
    write(keyIn('space', 'kept'), 5, { type: 'add', by: 7 }),
    {
      term,
      type: 'flush',
      key: cacheKey('flushed'),
      dirty: { grant: grant(6), sequence: 1, value: TextValue.ofText('{"by":"its owner"}') },
    },
  ]
  const types = commands.map((command, at) => memory.apply(encodeCommand(command), { term, time: millis(10 * at), isReborn: false }).type)
  deepEqual(types, ['session', 'done', 'written', 'written', 'done', 'written', 'done'])
  return memory
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  const whole = Uint8Array.from(bytes)
  if (whole.length >= 4) new DataView(whole.buffer).setUint32(whole.length - 4, crc32(whole.subarray(0, -4)))
  return whole
}

/**
 * A snapshot is restored or refused with a reason, within moments, also where its checksum is right and its records make no sense; a
 * machine that refused one is as it was, and one that took it has a snapshot itself. That of another service is refused.
 */
export async function damagedSnapshots(numRuns: number): Promise<void> {
  const samples = sampleSnapshots()
  const kinds = Object.keys(machines) as (keyof typeof machines)[]
  for (const kind of kinds) {
    equal(machines[kind]().restore(samples[kind]), null, kind)
    for (const other of kinds) if (other !== kind) equal(typeof machines[kind]().restore(samples[other]), 'string', `${kind} of ${other}`)
    const empty = bytesOf(machines[kind]())
    let refused = 0
    const property = fc.property(spoiled(samples[kind]), fc.boolean(), (bytes, isMended) => {
      const machine = machines[kind]()
      const reason = machine.restore(isMended ? withChecksum(bytes) : bytes)
      if (reason === null) return void bytesOf(machine)
      refused++
      ok(reason.length > 0 && reason.length < 300)
      saysNoSecret(reason)
      ok(areEqual(bytesOf(machine), empty), 'a machine that refused is as it was')
    })
    await checkProperty(`snapshots of ${kind}`, property, { numRuns })
    ok(refused > numRuns / 3, `only ${refused} of ${kind} were refused`)
  }
}

/** A file of settings is read, or every mistake in it is named; values, which may be secrets, are not repeated. */
export async function brokenSettingsFiles(numRuns: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  const path = join(folder, 'settings.json')
  const good = { id: 'a', listen: '127.0.0.1:8001', secret, join: ['a:1', 'b:2'], slots: 4 }
  const flags = Object.keys(good)
  const texts = textsOfSpoiled(fc.constant(good))
  const contents = fc.oneof(
    texts.map((text) => Buffer.from(text)),
    texts.chain((text) => spoiled(Buffer.from(text))),
    fc.uint8Array({ maxLength: 100 }),
  )
  let mistaken = 0
  const property = fc.property(contents, (bytes) => {
    writeFileSync(path, bytes)
    const mistakes: string[] = []
    const layers = settingsFile(path, flags, mistakes)
    if (mistakes.length > 0) mistaken++
    for (const mistake of mistakes) ok(!mistake.includes(secret) && !mistake.includes('node:'), mistake)
    for (const name of layers.keys()) ok(flags.includes(name))
  })
  try {
    await checkProperty('files of settings', property, { numRuns })
  } finally {
    rmSync(folder, { recursive: true })
  }
  ok(mistaken > numRuns / 3, `only ${mistaken} had mistakes`)
}
