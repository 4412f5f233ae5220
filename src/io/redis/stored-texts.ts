import { crc32 } from 'node:zlib'
import { assert } from '#base/assert.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Entry, LogIndex } from '#core/raft/types.ts'
import type { Damaged, LoggedEntry, MemberRecord, SlotRecord } from '#ports/redis-slots.ts'

/**
 * How things are written in Redis: a line for people, then bytes. An entry is `epoch time wall batch checksum`, a chunk of a snapshot only its
 * checksum; both cover where the value belongs, so that one in another's place is noticed.
 */
const newline = 0x0a

export function encodeEntry({ index, term: epoch, time, wall, payload }: Entry, batch: string): Buffer {
  assert(payload.type === 'command', 'logs in Redis hold commands only')
  assert(/^[^\s]+$/.test(batch), 'the id of a batch is one word')
  const words = `${epoch} ${time} ${wall} ${batch}`
  return sealed(String(index), words, payload.bytes)
}

export function decodeEntry(index: LogIndex, value: Buffer): LoggedEntry | Damaged {
  const opened = unsealed(String(index), value)
  if (opened === null) return { type: 'damaged', detail: `entry ${index} has a wrong checksum` }
  const [epoch, time, wall, batch = ''] = opened.words.split(' ')
  const payload = { type: 'command', bytes: opened.bytes } as const
  const entry = { index, term: term(Number(epoch)), time: millis(Number(time)), wall: wallMillis(Number(wall)), payload }
  return { entry, batch }
}

export const encodeChunk = (number: number, bytes: Uint8Array): Buffer => sealed(`chunk ${number}`, '', bytes)

export const decodeChunk = (number: number, value: Buffer): Uint8Array | Damaged =>
  unsealed(`chunk ${number}`, value)?.bytes ?? { type: 'damaged', detail: `chunk ${number} of a snapshot has a wrong checksum` }

function sealed(place: string, words: string, bytes: Uint8Array): Buffer {
  const checksum = checksumOf(place, words, bytes)
  return Buffer.concat([Buffer.from(words === '' ? `${checksum}\n` : `${words} ${checksum}\n`), bytes])
}

function unsealed(place: string, value: Buffer): { readonly words: string; readonly bytes: Uint8Array } | null {
  const end = value.indexOf(newline)
  if (end < 8) return null
  const words = value.toString('latin1', 0, Math.max(0, end - 9))
  const bytes = new Uint8Array(value.subarray(end + 1))
  return value.toString('latin1', end - 8, end) === checksumOf(place, words, bytes) ? { words, bytes } : null
}

const checksumOf = (place: string, words: string, bytes: Uint8Array): string =>
  crc32(bytes, crc32(`${place} ${words}`))
    .toString(16)
    .padStart(8, '0')

export const encodeMember = ({ address, version, beat }: MemberRecord): string => JSON.stringify({ address, version, beat })

/** Null for what no member of any version has written. */
export function decodeMember(id: string, text: string): MemberRecord | null {
  const read = parsed(text)
  if (typeof read !== 'object' || read === null) return null
  const { address, version, beat } = read as Readonly<Record<string, unknown>>
  const isMember = typeof address === 'string' && Number.isSafeInteger(version) && Number.isSafeInteger(beat) && id.includes('/')
  return isMember ? { id, address, version: Number(version), beat: Number(beat) } : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // What is not JSON is no member, as is any other wrong text.
    return null
  }
}

/** From the fields of `slotFieldNames`; those that are not there are null. */
export function slotRecordOf(fields: readonly (string | null)[]): SlotRecord {
  const [owner, epoch, tail, batch, failed, trimmed, place, chunks, bytes, index, snapshotEpoch, time] = fields
  const numberOf = (text: string | null | undefined): number => Number(text ?? 0)
  return {
    owner: owner ?? null,
    epoch: term(numberOf(epoch)),
    tail: { index: logIndex(numberOf(tail)), batch: batch ?? '' },
    snapshot:
      place === 'a' || place === 'b'
        ? {
            place,
            chunks: numberOf(chunks),
            bytes: numberOf(bytes),
            index: logIndex(numberOf(index)),
            epoch: term(numberOf(snapshotEpoch)),
            time: millis(numberOf(time)),
          }
        : null,
    trimmed: logIndex(numberOf(trimmed)),
    failed: failed ?? null,
  }
}
