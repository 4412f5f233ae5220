import { assert } from '#base/assert.ts'
import { BackOff } from '#base/back-off.ts'
import type { Prng } from '#base/prng.ts'
import { logIndex } from '#core/raft/types.ts'
import type { Entry, LogIndex } from '#core/raft/types.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type {
  Appended,
  Batch,
  Claimed,
  ClusterRecord,
  Damaged,
  Fenced,
  LoggedEntry,
  MemberRecord,
  Ownership,
  RedisEvents,
  RedisSlots,
  Replied,
  Reply,
  SlotRecord,
  SnapshotChunk,
  SnapshotPlace,
  SnapshotRecord,
  Trim,
} from '#ports/redis-slots.ts'
import { trimMax } from '#ports/redis-slots.ts'
import { Keys } from './keys.ts'
import { redisLimits } from './limits.ts'
import { reasonOf } from './redis-fault.ts'
import type { RedisPlace } from './redis-place.ts'
import { slotFieldNames } from './scripts.ts'
import type { ScriptName } from './scripts.ts'
import type { Argument, Durability, Server } from './server.ts'
import { Session } from './session.ts'
import { decodeChunk, decodeEntry, decodeMember, encodeChunk, encodeEntry, encodeMember, slotRecordOf } from './stored-texts.ts'

export interface RedisClientOptions {
  readonly place: RedisPlace
  /** What the keys of this cluster begin with: several can share a Redis. */
  readonly cluster: string
  readonly durability: Durability
  readonly clock: Clock
  readonly prng: Prng
}

/** The slots of a cluster in a real Redis. */
export class RedisClient implements RedisSlots {
  readonly #options: RedisClientOptions
  readonly #keys: Keys
  readonly #backOff: BackOff
  /** What ends each open call as broken. */
  readonly #open = new Set<() => void>()
  #events: RedisEvents | null = null
  #session: Session | null = null
  #since = 0
  #unreadable: readonly string[] = []
  #retry: Cancel = () => {}
  #stopped = false

  constructor(options: RedisClientOptions) {
    this.#options = options
    this.#keys = new Keys(options.cluster)
    this.#backOff = new BackOff(options.prng)
  }

  start(events: RedisEvents): void {
    assert(this.#events === null, 'a client is started once')
    this.#events = events
    this.#connect()
  }

  reset(reason: string): void {
    this.#options.clock.soon(() => this.#ended(reason))
  }

  stop(done: () => void): void {
    this.#stopped = true
    this.#retry()
    this.#ended('stopped')
    this.#options.clock.soon(done)
  }

  found({ id, slots }: ClusterRecord, done: Replied<ClusterRecord>): void {
    const decode = (value: unknown): ClusterRecord => {
      const [foundId, foundSlots] = textsOf(value)
      return { id: foundId ?? '', slots: Number(foundSlots) }
    }
    this.#write(this.#keys.tag, { script: 'found', keys: [this.#keys.cluster], args: [id, slots] }, decode, done)
  }

  beat(member: MemberRecord, done: Replied<readonly MemberRecord[]>): void {
    for (const server of this.#session?.servers ?? []) server.verify()
    const decode = (value: unknown): readonly MemberRecord[] => this.#readable(pairsOf(textsOf(value)))
    this.#write(this.#keys.tag, { script: 'beat', keys: [this.#keys.members], args: [member.id, encodeMember(member)] }, decode, done)
  }

  get unreadable(): readonly string[] {
    return this.#unreadable
  }

  forget(members: readonly MemberRecord[], done: Replied<null>): void {
    const args = members.flatMap((member) => [member.id, encodeMember(member)])
    this.#write(this.#keys.tag, { script: 'forget', keys: [this.#keys.members], args }, () => null, done)
  }

  readTable(slots: number, done: Replied<readonly SlotRecord[]>): void {
    const records: SlotRecord[] = []
    let left = slots
    const told = this.#opened<readonly SlotRecord[]>(done)
    for (let slot = 1; slot <= slots; slot++) {
      this.#serverOf(slot)?.read('HMGET', [this.#keys.slot(slot), ...slotFieldNames], (value) => {
        records[slot - 1] = slotRecordOf(textsOf(value))
        if (--left === 0) told({ type: 'done', value: records })
      })
    }
  }

  claim(slot: number, expected: Ownership, owner: string, done: Replied<Claimed>): void {
    this.#writeSlot(slot, { script: 'claim', keys: [], args: [...fenceOf(expected), owner] }, claimedOf, done)
  }

  assertOwner(slot: number, ownership: Ownership, done: Replied<Claimed>): void {
    this.#writeSlot(slot, { script: 'assert', keys: [], args: fenceOf(ownership) }, claimedOf, done)
  }

  release(slot: number, ownership: Ownership, done: Replied<Fenced>): void {
    this.#writeSlot(slot, { script: 'release', keys: [], args: fenceOf(ownership) }, fencedOf, done)
  }

  fail(slot: number, ownership: Ownership, reason: string, done: Replied<Fenced>): void {
    this.#writeSlot(slot, { script: 'fail', keys: [], args: [...fenceOf(ownership), reason] }, fencedOf, done)
  }

  append(slot: number, ownership: Ownership, { id, previous, entries }: Batch, done: Replied<Appended>): void {
    const args = [...fenceOf(ownership), id, previous.index, previous.batch, ...entries.map((entry) => encodeEntry(entry, id))]
    this.#writeSlot(slot, { script: 'append', keys: [this.#keys.log(slot)], args }, (value) => textOf(value) as Appended, done)
  }

  readLog(
    slot: number,
    { from, to }: { readonly from: LogIndex; readonly to: LogIndex },
    done: Replied<readonly LoggedEntry[] | Damaged>,
  ): void {
    const told = this.#opened(done)
    const bounds = [from, to, redisLimits.readEntriesMax, redisLimits.readBytesMax]
    this.#serverOf(slot)?.readScript('read', [this.#keys.log(slot)], bounds, (value) => {
      told({ type: 'done', value: entriesOf(from, value as readonly Buffer[]) })
    })
  }

  readEntry(slot: number, index: LogIndex, done: Replied<Entry | null | Damaged>): void {
    const told = this.#opened(done)
    this.#serverOf(slot)?.read('HGET', [this.#keys.log(slot), index], (value) => {
      const read = value === null ? null : decodeEntry(index, value as Buffer)
      told({ type: 'done', value: read !== null && 'entry' in read ? read.entry : read })
    })
  }

  writeChunk(slot: number, ownership: Ownership, { place, number, bytes, index }: SnapshotChunk, done: Replied<Fenced>): void {
    const args = [...fenceOf(ownership), place, number, encodeChunk(number, bytes), index]
    this.#writeSlot(slot, { script: 'chunk', keys: [this.#keys.snapshot(slot, place)], args }, fencedOf, done)
  }

  install(slot: number, ownership: Ownership, snapshot: SnapshotRecord, done: Replied<Fenced | 'incomplete'>): void {
    const { place, chunks, bytes, index, epoch, time } = snapshot
    const former = this.#keys.snapshot(slot, place === 'a' ? 'b' : 'a')
    const args = [...fenceOf(ownership), place, chunks, bytes, index, epoch, time]
    this.#writeSlot(
      slot,
      { script: 'install', keys: [former, this.#keys.snapshot(slot, place)], args },
      (value) => textOf(value) as Fenced | 'incomplete',
      done,
    )
  }

  readChunk(slot: number, place: SnapshotPlace, chunk: number, done: Replied<Uint8Array | Damaged>): void {
    const told = this.#opened(done)
    this.#serverOf(slot)?.read('HGET', [this.#keys.snapshot(slot, place), chunk], (value) => {
      const missing: Damaged = { type: 'damaged', detail: `chunk ${chunk} of a snapshot is missing` }
      told({ type: 'done', value: value === null ? missing : decodeChunk(chunk, value as Buffer) })
    })
  }

  trim(slot: number, ownership: Ownership, { drop, keep, trimmed }: Trim, done: Replied<Fenced>): void {
    assert(drop.length + keep.length <= trimMax, 'the work of a trim is bounded')
    const args = [...fenceOf(ownership), trimmed, drop.length, ...drop, ...keep]
    this.#writeSlot(slot, { script: 'trim', keys: [this.#keys.log(slot), this.#keys.kept(slot)], args }, fencedOf, done)
  }

  readKept(slot: number, after: LogIndex, done: Replied<readonly LogIndex[]>): void {
    const told = this.#opened(done)
    this.#serverOf(slot)?.read('ZRANGEBYSCORE', [this.#keys.kept(slot), `(${after}`, '+inf', 'LIMIT', 0, trimMax], (value) => {
      told({ type: 'done', value: textsOf(value).map((text) => logIndex(Number(text))) })
    })
  }

  /** Bytes of memory of all servers, whatever is in there; null when that cannot be told now. */
  memory(): Promise<number | null> {
    return new Promise((resolve) => {
      const told = this.#opened<number>((reply) => resolve(reply.type === 'done' ? reply.value : null))
      const servers = this.#session?.servers ?? []
      let left = servers.length
      let sum = 0
      for (const server of servers) {
        server.read('INFO', ['memory'], (value) => {
          sum += Number(/^used_memory:(\d+)/m.exec(textOf(value) ?? '')?.[1] ?? 0)
          if (--left === 0) told({ type: 'done', value: sum })
        })
      }
    })
  }

  /** Members whose record cannot be read are left out, and named in `unreadable`. */
  #readable(pairs: readonly (readonly [string, string])[]): readonly MemberRecord[] {
    const read = pairs.map(([id, text]) => decodeMember(id, text))
    this.#unreadable = pairs.flatMap(([id], at) => (read[at] === null ? [id] : []))
    return read.filter((member) => member !== null)
  }

  #serverOf(slot: number): Server | null {
    return this.#session?.serverOf(this.#keys.tagOf(slot)) ?? null
  }

  #writeSlot<Value>(slot: number, write: ScriptCall, decode: (value: unknown) => Value, done: Replied<Value>): void {
    this.#write(this.#keys.tagOf(slot), { ...write, keys: [this.#keys.slot(slot), ...write.keys] }, decode, done)
  }

  #write<Value>(tag: string, { script, keys, args }: ScriptCall, decode: (value: unknown) => Value, done: Replied<Value>): void {
    const told = this.#opened(done)
    this.#session?.serverOf(tag).write(script, keys, args, (reply) => {
      told(reply.type === 'done' ? { type: 'done', value: decode(reply.value) } : reply)
    })
  }

  /** A call that ends once: with its answer, or as broken with the session; at once without one. */
  #opened<Value>(done: Replied<Value>): (reply: Reply<Value>) => void {
    const breakOff = (): void => done({ type: 'broken' })
    if (this.#session === null) this.#options.clock.soon(breakOff)
    else this.#open.add(breakOff)
    return (reply) => {
      if (this.#open.delete(breakOff)) done(reply)
    }
  }

  #connect(): void {
    const delayMs = this.#backOff.next()
    this.#retry = this.#options.clock.after(delayMs, () => {
      const { place, durability } = this.#options
      void Session.open(place, durability).then(
        (session) => this.#up(session),
        (error: unknown) => {
          if (this.#stopped) return
          this.#events?.down(reasonOf(error))
          this.#connect()
        },
      )
    })
  }

  #up(session: Session): void {
    if (this.#stopped) {
      session.close()
      return
    }
    this.#session = session
    this.#since = this.#options.clock.now()
    session.start((reason) => this.#ended(reason))
    this.#events?.up(session.told)
  }

  #ended(reason: string): void {
    const session = this.#session
    if (session === null) return
    this.#session = null
    session.close()
    this.#backOff.heldFor(this.#options.clock.now() - this.#since)
    const open = [...this.#open]
    this.#open.clear()
    for (const breakOff of open) breakOff()
    this.#events?.down(reason)
    if (!this.#stopped) this.#connect()
  }
}

interface ScriptCall {
  readonly script: ScriptName
  readonly keys: readonly string[]
  readonly args: readonly Argument[]
}

const fenceOf = ({ owner, epoch }: Ownership): readonly Argument[] => [owner ?? '', epoch]

const textOf = (value: unknown): string | null => (value === null ? null : (value as Buffer | string | number).toString())
const textsOf = (value: unknown): readonly (string | null)[] => (value as readonly unknown[]).map(textOf)
const fencedOf = (value: unknown): Fenced => textOf(value) as Fenced

function claimedOf(value: unknown): Claimed {
  const [type, fields] = value as readonly [unknown, unknown]
  return { type: textOf(type) as Claimed['type'], slot: slotRecordOf(textsOf(fields)) }
}

function pairsOf(texts: readonly (string | null)[]): readonly (readonly [string, string])[] {
  return Array.from({ length: texts.length / 2 }, (_, at) => [texts[2 * at] ?? '', texts[2 * at + 1] ?? ''] as const)
}

function entriesOf(from: LogIndex, values: readonly Buffer[]): readonly LoggedEntry[] | Damaged {
  const entries: LoggedEntry[] = []
  for (const [at, value] of values.entries()) {
    const entry = decodeEntry(logIndex(from + at), value)
    if ('type' in entry) return entry
    entries.push(entry)
  }
  return entries
}
