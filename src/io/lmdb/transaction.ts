import type { Entry, LogIndex } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'
import { encodeEntries, entryBytes } from '#io/entry-codec/entries.ts'
import { recordHeaderBytes, sealRecord } from '#io/entry-codec/record.ts'
import { present } from '#base/assert.ts'
import type { Environment } from './environment.ts'
import type { StreamId } from './keys.ts'
import { entriesKey, runsFrom } from './keys.ts'
import { limits } from './limits.ts'
import { readRun, runKeyAt } from './records.ts'

/** What one LMDB transaction does: first cut logs, then remove, then put. */
export interface Transaction {
  readonly truncations: readonly Truncation[]
  readonly removals: readonly Uint8Array[]
  readonly puts: readonly Put[]
}

/** The entries from `from` on go; a run that reaches across is rewritten. */
export interface Truncation {
  readonly stream: StreamId
  readonly from: LogIndex
}

export interface Put {
  readonly key: Uint8Array
  readonly record: Uint8Array
}

/** Within a transaction; one that cuts logs must be inline, for it reads what it writes. */
export function perform(environment: Environment, { truncations, removals, puts }: Transaction): void {
  for (const truncation of truncations) truncate(environment, truncation)
  for (const key of removals) environment.remove(key)
  for (const { key, record } of puts) environment.put(key, record)
}

function truncate(environment: Environment, { stream, from }: Truncation): void {
  for (const key of environment.keys(runsFrom(stream, from), Number.MAX_SAFE_INTEGER)) environment.remove(key)
  const across = runKeyAt(environment, stream, logIndex(from - 1))
  if (across === undefined) return
  const entries = readRun(environment, across)
  const kept = entries.filter(({ index }) => index < from)
  if (kept.length === entries.length) return
  const { key, record } = runOf(stream, kept)
  environment.put(key, record)
}

/** The record of a run of entries, under the index of its first. */
export function runOf(stream: StreamId, entries: readonly Entry[]): Put {
  const { index } = present(entries[0], 'a run has an entry')
  const key = entriesKey(stream, index)
  const record = encodeEntries(entries, index, recordHeaderBytes)
  sealRecord(key, record)
  return { key, record }
}

/** Entries in runs of a bounded size. */
export function runsOf(stream: StreamId, entries: readonly Entry[]): Put[] {
  const runs: Put[] = []
  let start = 0
  let bytes = 0
  for (const [position, entry] of entries.entries()) {
    const size = entryBytes(entry)
    if (position > start && bytes + size > limits.runBytesMax) {
      runs.push(runOf(stream, entries.slice(start, position)))
      start = position
      bytes = 0
    }
    bytes += size
  }
  if (start < entries.length) runs.push(runOf(stream, entries.slice(start)))
  return runs
}
