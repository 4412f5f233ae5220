import type { Position } from './ring.ts'
import { pageBytes } from './limits.ts'
import { recordAt } from './record.ts'

export type ScanOutcome =
  | { readonly type: 'found'; readonly payloads: readonly Buffer[] }
  /** A record that was durable is gone: one that was written after it is there. */
  | { readonly type: 'damaged'; readonly number: number }

/**
 * The records after a position, in order, from all the bytes of a journal. One record is written at a time, and the next not before that
 * one is durable; so only the last may be torn, and a bad one with a later one anywhere is damage (pitfall 41).
 */
export function scan(bytes: Buffer, journal: number, after: Position): ScanOutcome {
  const pages = bytes.length / pageBytes
  const payloads: Buffer[] = []
  let { number, page } = after
  for (;;) {
    const next = nextRecord(bytes, journal, { number, page })
    if (next === null) break
    payloads.push(next.payload)
    number++
    page = next.page + next.pages
  }
  for (let other = 0; other < pages; other++) {
    if ((recordAt(bytes, journal, other)?.number ?? 0) > number + 1) return { type: 'damaged', number: number + 1 }
  }
  return { type: 'found', payloads }
}

function nextRecord(
  bytes: Buffer,
  journal: number,
  after: Position,
): { readonly page: number; readonly pages: number; readonly payload: Buffer } | null {
  for (const page of [after.page, 0]) {
    if (page * pageBytes >= bytes.length) continue
    const found = recordAt(bytes, journal, page)
    if (found?.number === after.number + 1) return { page, pages: found.pages, payload: found.payload }
  }
  return null
}
