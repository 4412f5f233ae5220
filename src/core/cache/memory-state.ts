import { assert } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { ClientOutcomes } from './client-outcomes.ts'
import type { CacheLimits } from './limits.ts'
import type { AgentId, Copy, Key, Outcome, RequestNumber, SessionId, Value, Version } from './types.ts'
import { compareVersions, noVersion, requestNumber } from './types.ts'

/** What is done when a slot is full: the values touched longest ago go, or what would be added is refused. */
export type FullPolicy = 'lru' | 'refuse'

export interface Capacity {
  /** Of the values of a slot, with what keys cost beside them. */
  readonly bytesMax: number
  readonly whenFull: FullPolicy
}

export interface MemoryRecord {
  readonly value: Value
  readonly version: Version
  /** In machine time; null when it has no end. */
  readonly expiresAt: Millis | null
  /** Of its namespace, when it was written: an older one has been cleared. */
  readonly generation: number
}

/** An agent with an open session: a new home waits for it (rule 10). */
export interface MemorySession {
  readonly id: SessionId
  readonly agent: AgentId
  readonly nonce: number
  /** All requests before this one have been answered, and seen. */
  oldest: RequestNumber
  /** Of requests that were carried out and may come again. */
  readonly outcomes: Map<RequestNumber, readonly Outcome[]>
}

/** Everything that is replicated of one slot. Changed only by commands. */
export class MemoryState {
  readonly limits: CacheLimits
  /** As a home has set it last. */
  capacity: Capacity
  /** In the order in which keys were first written. */
  readonly records = new Map<Key, MemoryRecord>()
  readonly sessions = new Map<SessionId, MemorySession>()
  readonly clients: ClientOutcomes
  lastSession = 0
  /** Namespaces that were ever cleared, and how often. */
  readonly generations = new Map<string, number>()
  /** The largest version of all that is not there any more: what is absent has at least that one. */
  removed: Version = noVersion
  bytes = 0
  /** Of the last entry. */
  time: Millis = millis(0)
  isReborn = false

  constructor(limits: CacheLimits) {
    this.limits = limits
    this.capacity = { bytesMax: limits.memoryBytesMax, whenFull: 'lru' }
    this.clients = new ClientOutcomes(limits)
  }

  /** The value, unless its namespace was cleared since; also one whose life is over, which only the home may say (rule 14). */
  find(key: Key): MemoryRecord | null {
    const record = this.records.get(key)
    return record === undefined || record.generation < this.generationOf(key) ? null : record
  }

  versionOf(key: Key): Version {
    return this.find(key)?.version ?? this.removed
  }

  copyOf(key: Key, now: Millis): Copy {
    const record = this.find(key)
    if (record === null) return { value: null, version: this.removed, ttlMs: null }
    const { value, version, expiresAt } = record
    return { value, version, ttlMs: expiresAt === null ? null : Math.max(0, expiresAt - now) }
  }

  put(key: Key, value: Value, { version, expiresAt }: { readonly version: Version; readonly expiresAt: Millis | null }): void {
    const before = this.records.get(key)
    assert(before === undefined || compareVersions(before.version, version) <= 0, 'a version never goes back')
    this.bytes += value.size - (before?.value.size ?? -recordBytes(key))
    this.records.set(key, { value, version, expiresAt, generation: this.generationOf(key) })
  }

  remove(key: Key, version: Version): void {
    const record = this.records.get(key)
    if (compareVersions(version, this.removed) > 0) this.removed = version
    if (record === undefined) return
    assert(compareVersions(record.version, version) <= 0, 'a version never goes back')
    this.records.delete(key)
    this.bytes -= record.value.size + recordBytes(key)
  }

  generationOf(key: Key): number {
    return this.generations.size === 0 ? 0 : (this.generations.get(namespaceOf(key)) ?? 0)
  }
}

/** What a key costs beside its value. */
export const recordBytes = (key: Key): number => 2 * key.length + 64

const separator = '\u0000'

/** Keys of the default namespace are as they are. */
export const keyIn = (namespace: string, name: string): Key => (namespace === '' ? name : `${namespace}${separator}${name}`) as Key

export function namespaceOf(key: Key): string {
  const end = key.indexOf(separator)
  return end < 0 ? '' : key.slice(0, end)
}

export const newSession = (fields: Pick<MemorySession, 'id' | 'agent' | 'nonce'>): MemorySession => ({
  ...fields,
  oldest: requestNumber(1),
  outcomes: new Map(),
})
