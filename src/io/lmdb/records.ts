import type { Entry, LogIndex } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'
import { decodeEntries } from '#io/entry-codec/entries.ts'
import { openRecord } from '#io/entry-codec/record.ts'
import type { Environment } from './environment.ts'
import type { StreamId } from './keys.ts'
import { chunkKey, chunksOf, nameOf, positionOf, runsBetween } from './keys.ts'
import { StoreFault } from '#io/store-fault.ts'

/** The payload under a key, verified; undefined when there is none. Throws a fault for a record that is not as it was written. */
export function readPayload(environment: Environment, key: Uint8Array): Uint8Array | undefined {
  const record = environment.get(key)
  if (record === undefined) return undefined
  const opened = openRecord(key, record)
  switch (opened.type) {
    case 'payload':
      return opened.payload
    case 'damaged':
      throw new StoreFault('damaged', `${nameOf(key)} fails its checksum.`)
    case 'unknown-format':
      throw new StoreFault('unknown-format', `${nameOf(key)} has format ${opened.version}, which a newer version of this program wrote.`)
  }
}

export function requirePayload(environment: Environment, key: Uint8Array): Uint8Array {
  const payload = readPayload(environment, key)
  if (payload === undefined) throw new StoreFault('damaged', `${nameOf(key)} is missing.`)
  return payload
}

/** The entries under the key of a run. */
export const readRun = (environment: Environment, key: Uint8Array): Entry[] =>
  decodeEntries(requirePayload(environment, key), logIndex(positionOf(key)))

/** The key of the run that would hold `index`: the last one that begins at or before it. */
export const runKeyAt = (environment: Environment, stream: StreamId, index: LogIndex): Uint8Array | undefined =>
  environment.lastKey(runsBetween(stream, logIndex(0), logIndex(index + 1)))

/** The chunk of a snapshot with the byte at `offset`, and where it begins. */
export function readChunkAt(
  environment: Environment,
  stream: StreamId,
  offset: number,
): { readonly offset: number; readonly bytes: Uint8Array } | undefined {
  const key = environment.lastKey({ start: chunksOf(stream).start, end: chunkKey(stream, offset + 1) })
  return key === undefined ? undefined : { offset: positionOf(key), bytes: requirePayload(environment, key) }
}
