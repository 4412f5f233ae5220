import type { MemoryAnswer, MemoryCommand } from '#core/cache/commands.ts'
import { describeVersion, textOf } from '#core/cache/describe.ts'
import { decodeAnswer, decodeCommand } from '#core/cache/memory-codec.ts'
import type { MemoryState } from '#core/cache/memory-state.ts'
import { namespaceOf } from '#core/cache/memory-state.ts'
import type { Dirty } from '#core/cache/messages.ts'
import type { Key, Operation, Outcome, Value, Version } from '#core/cache/types.ts'
import { cacheKey, compareVersions, homeTerm, noVersion } from '#core/cache/types.ts'
import { slotOf } from '#core/ring/partition.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { Cause, Moment } from './key-log.ts'
import { KeyLog } from './key-log.ts'

/** One command, as the replica saw it that came to it first. */
export interface AppliedCommand {
  readonly slot: number
  readonly index: number
  /** Within the entry. */
  readonly position: number
  readonly term: number
  /** Machine time. */
  readonly time: number
  readonly bytes: Uint8Array
  readonly answer: Uint8Array
  /** Afterwards. */
  readonly state: MemoryState
}

interface Entry {
  readonly key: Key
  readonly version: Version
  readonly value: number | null
  readonly cause: Cause
  readonly endsAt?: number | null
}

interface LedgerOptions {
  readonly now: () => number
  readonly slots: number
  /** Memory may be full. */
  readonly pressure: boolean
  readonly added: (log: KeyLog, moment: Moment) => void
}

/** What the ledger knows where it looks at a command. */
interface Seen {
  readonly slot: number
  readonly time: number
  readonly state: MemoryState
}

/**
 * What every key had, entry by entry, in its own words: a replica must have the same afterwards. Versions grow, one version is one value, and a value
 * goes by itself only when its life is over or memory is full.
 */
export class Ledger {
  readonly totals = { commands: 0, moments: 0, pushes: 0, pushesDropped: 0, expired: 0, evicted: 0, clears: 0, cleared: 0, valuesLost: 0 }
  readonly #now: () => number
  readonly #slots: number
  readonly #pressure: boolean
  readonly #added: (log: KeyLog, moment: Moment) => void
  readonly #logs = new Map<string, KeyLog>()
  /** The newest version of each key, those included that were never to be seen. */
  readonly #newest = new Map<string, Version>()
  readonly #seen = new Map<number, { readonly index: number; readonly position: number }>()
  /** What was pushed and not taken, by key and version. */
  readonly #dropped = new Set<string>()
  readonly #clears: { readonly slot: number; readonly namespace: string; readonly at: Version }[] = []

  constructor({ now, slots, pressure, added }: LedgerOptions) {
    this.#now = now
    this.#slots = slots
    this.#pressure = pressure
    this.#added = added
  }

  of(key: string): KeyLog {
    let log = this.#logs.get(key)
    if (log === undefined) this.#logs.set(key, (log = new KeyLog(key)))
    return log
  }

  get keys(): Iterable<string> {
    return this.#logs.keys()
  }

  /** A new home was told of it, and did not take it; or it was cleared while its owner had it, and so never came into memory. */
  wasDropped(key: string, version: string): boolean {
    const [term = 0, by = 0] = version.split('.').map(Number)
    const isEnd = (at: Version): boolean => at.term === term && at.grant > by
    const isCleared = this.#clears.some(({ slot, namespace, at }) => isEnd(at) && this.#isIn(key, slot, namespace))
    return isCleared || this.#dropped.has(`${key} ${version}`)
  }

  /** Of who may have written the key since, at the level `owner`, without being heard. */
  mayHaveDropped(key: string, version: string): boolean {
    return this.wasDropped(key, version) || [...this.#dropped].some((dropped) => dropped.startsWith(`${key} `))
  }

  applied({ slot, index, position, term, time, bytes, answer: answered, state }: AppliedCommand): void {
    const last = this.#seen.get(slot)
    if (last !== undefined && (index < last.index || (index === last.index && position <= last.position))) return
    this.#seen.set(slot, { index, position })
    const command = decodeCommand(bytes)
    const answer = decodeAnswer(answered)
    if (!command.ok || !answer.ok) throw new Violation(`slot ${slot} at ${index}: a command or its answer cannot be read`)
    this.totals.commands++
    const isStale = answer.value.type === 'refused' && answer.value.code === 'stale_term'
    if ((command.value.term !== term) !== isStale)
      throw new Violation(`slot ${slot} at ${index}: what a former home decided is carried out`)
    if (!isStale) this.#carryOut(command.value, answer.value, { slot, time, state })
  }

  /** The slot begins anew: all that it had is gone, and what replicas of its former life still carry out never was (decision C12). */
  forgotten(slot: number, { index, term }: { readonly index: number; readonly term: number }): void {
    this.#seen.set(slot, { index, position: Infinity })
    for (const { key, last } of this.#logs.values()) {
      if (last.value === null || this.#slotOf(key) !== slot) continue
      this.totals.valuesLost++
      this.#add({ key: cacheKey(key), version: { ...noVersion, term: homeTerm(term) }, value: null, cause: 'lost' })
    }
  }

  #carryOut(command: MemoryCommand, answer: MemoryAnswer, seen: Seen): void {
    switch (command.type) {
      case 'open-session':
      case 'set-capacity':
      case 'close-session':
        return
      case 'write':
        this.#write(command, answer, seen)
        return this.#compare(command.key, seen)
      case 'flush':
        this.#flush(command.key, command.term, command.dirty)
        return this.#compare(command.key, seen)
      case 'push':
        this.#push(command.push, answer, seen)
        return this.#compare(command.push.key, seen)
      case 'expire':
      case 'evict':
        this.#end(command, seen)
        return this.#compare(command.key, seen)
      case 'clear':
        return this.#clear(command, seen)
    }
  }

  #clear({ namespace, term, grant }: Extract<MemoryCommand, { type: 'clear' }>, seen: Seen): void {
    const version = { term, grant, sequence: 0 }
    this.#clears.push({ slot: seen.slot, namespace, at: version })
    this.totals.clears++
    for (const log of this.#logs.values()) {
      if (log.last.value === null || !this.#isIn(log.key, seen.slot, namespace)) continue
      this.totals.cleared++
      const key = cacheKey(log.key)
      this.#add({ key, version, value: null, cause: 'clear' })
      this.#compare(key, seen)
    }
  }

  #isIn(key: string, slot: number, namespace: string): boolean {
    return namespaceOf(cacheKey(key)) === namespace && this.#slotOf(key) === slot
  }

  #slotOf(key: string): number {
    return slotOf(cacheKey(key), 0, this.#slots)
  }

  #write(command: Extract<MemoryCommand, { type: 'write' }>, answer: MemoryAnswer, { time }: Seen): void {
    const { key, term, dirty, operations } = command
    if (dirty !== null) this.#flush(key, term, dirty)
    if (answer.type !== 'written') return
    for (const [at, operation] of operations.entries()) {
      const outcome = answer.outcomes[at]
      // One that was carried out before has the version that it had then.
      if (outcome?.type !== 'done' || this.of(key).of(describeVersion(outcome.version)) !== null) continue
      this.#add({ key, version: outcome.version, cause: 'write', ...this.#made(key, operation, { outcome, time }) })
    }
  }

  #made(
    key: Key,
    { change }: Operation,
    { outcome, time }: { readonly outcome: Extract<Outcome, { type: 'done' }>; readonly time: number },
  ): Pick<Moment, 'value' | 'endsAt'> {
    if (change.type === 'delete') return { value: null, endsAt: null }
    if (change.type === 'set') return { value: numberOf(change.value), endsAt: change.ttlMs === null ? null : time + change.ttlMs }
    const { value, endsAt } = this.of(key).last
    const sum = (value ?? 0) + change.by
    if (outcome.number !== sum) throw new Violation(`${key}: ${value} and ${change.by} are added to ${outcome.number}`)
    return { value: sum, endsAt }
  }

  #flush(key: Key, term: Version['term'], { grant, sequence, value }: Dirty): void {
    const version = { term, grant, sequence }
    if (this.of(key).of(describeVersion(version)) === null) this.#add({ key, version, value: numberOf(value), cause: 'owner' })
  }

  #push({ key, version, value }: Extract<MemoryCommand, { type: 'push' }>['push'], answer: MemoryAnswer, { state }: Seen): void {
    const name = describeVersion(version)
    if (answer.type === 'refused' || this.of(key).of(name) !== null) return
    const found = state.find(key)
    if (found !== null && describeVersion(found.version) === name) {
      this.totals.pushes++
      this.#add({ key, version, value: numberOf(value), cause: 'push' })
    } else {
      this.totals.pushesDropped++
      this.#dropped.add(`${key} ${name}`)
    }
  }

  #end({ type, key, term, grant }: Extract<MemoryCommand, { type: 'expire' | 'evict' }>, { time, state }: Seen): void {
    const { value, endsAt } = this.of(key).last
    if (value === null || (type === 'expire' && state.find(key) !== null)) return
    if (type === 'expire' && (endsAt === null || time < endsAt)) throw new Violation(`${key} ends at ${time}, and lives until ${endsAt}`)
    if (type === 'evict' && !this.#pressure) throw new Violation(`${key} is evicted, and there is room`)
    this.totals[type === 'expire' ? 'expired' : 'evicted']++
    this.#add({ key, version: { term, grant, sequence: 0 }, value: null, cause: type })
  }

  #add({ key, version, value, cause, endsAt = null }: Entry): void {
    const newest = this.#newest.get(key)
    if (newest !== undefined && compareVersions(newest, version) >= 0)
      throw new Violation(`${key}: version ${describeVersion(version)} comes after ${describeVersion(newest)} (rule 13)`)
    this.#newest.set(key, version)
    this.totals.moments++
    const log = this.of(key)
    this.#added(log, log.add({ version: describeVersion(version), value, cause, since: this.#now(), endsAt }))
  }

  /** What the replica has is what the ledger says. */
  #compare(key: Key, { state }: Seen): void {
    const { value, version } = this.of(key).last
    const found = state.find(key)
    const has = found === null ? null : numberOf(found.value)
    if (has !== value || (found !== null && describeVersion(found.version) !== version))
      throw new Violation(`${key} is ${has} in memory, and ${value} of version ${version} by what was carried out`)
  }
}

export const numberOf = (value: Value): number => Number(textOf(value))
