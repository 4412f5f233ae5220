import { closeSync, fdatasyncSync, fsyncSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { assert } from '#base/assert.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Entry } from '#core/raft/types.ts'
import { JournaledLogStore } from '#io/journal/journaled-log-store.ts'
import { LmdbLogStore } from '#io/lmdb/lmdb-log-store.ts'
import { emptyWrite } from '#ports/log-store.ts'
import type { LogStore } from '#ports/log-store.ts'
import { percentile, spread } from '#bench/kit/stats.ts'

/**
 * Durable commits of one group, one after the other, beside what the disk needs at least for one: 4 KiB written to a file in place and
 * fdatasync: LMDB alone, and with the journal in front of it. Each round measures all of them in turn, so that a disk that changes its mind does
 * so to all. Takes about 40 seconds.
 */

const sizes = [1, 8, 64, 256, 4_096] as const
const entryBytes = 100
const rounds = 3
const runMs = 900
const warmUpMs = 150

/** One way of making something durable: resolves once it is. */
interface Line {
  readonly name: string
  readonly entries: number
  readonly write: () => Promise<void>
}

interface Result {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

function bareLine(folder: string): { readonly line: Line; readonly close: () => void } {
  const descriptor = openSync(join(folder, 'bare'), 'w')
  const page = Buffer.alloc(4_096, 1)
  const pages = 1_024
  // In place: a file that grows would need its length synced too.
  writeSync(descriptor, Buffer.alloc(pages * page.length))
  fsyncSync(descriptor)
  let at = 0
  const write = async (): Promise<void> => {
    page.writeUInt32LE(at)
    writeSync(descriptor, page, 0, page.length, (at++ % pages) * page.length)
    fdatasyncSync(descriptor)
    return Promise.resolve()
  }
  return { line: { name: 'fdatasync of 4 KiB', entries: 0, write }, close: () => closeSync(descriptor) }
}

async function opened<T extends LogStore>(store: T): Promise<T> {
  const outcome = await new Promise((resolve) => store.load(resolve))
  assert(typeof outcome === 'object' && outcome !== null && 'groups' in outcome, 'the store loads')
  return store
}

/** Appends so many entries per commit; each size has a group of its own. */
function storeLine(kind: string, store: LogStore, entries: number): Line {
  const payload = { type: 'command', bytes: new Uint8Array(entryBytes).fill(7) } as const
  let next = 1
  const write = (): Promise<void> => {
    const batch: Entry[] = []
    for (let count = 0; count < entries; count++) {
      batch.push({ index: logIndex(next++), term: term(1), time: millis(0), wall: wallMillis(0), payload })
    }
    return new Promise((resolve, reject) => {
      store.commit({ node: null, groups: [{ ...emptyWrite(entries), entries: batch }] }, (failure) => {
        if (failure === null) resolve()
        else reject(new Error(failure.detail))
      })
    })
  }
  return { name: `${kind}, ${entries} × ${entryBytes} B`, entries, write }
}

async function measure({ write }: Line): Promise<Result> {
  for (const end = performance.now() + warmUpMs; performance.now() < end;) await write()
  const took: number[] = []
  const beganAt = performance.now()
  for (let from = beganAt; from < beganAt + runMs;) {
    await write()
    const now = performance.now()
    took.push(now - from)
    from = now
  }
  const perSecond = (took.length * 1_000) / (performance.now() - beganAt)
  return { perSecond, p50Ms: percentile(took, 0.5), p99Ms: percentile(took, 0.99) }
}

const cell = (values: readonly number[], digits: number): string => {
  const { min, median, max } = spread(values)
  const format = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })
  return `${format(median)} (${format(min)}–${format(max)})`
}

function report({ name, entries }: Line, results: readonly Result[]): object {
  const of = (pick: (result: Result) => number): readonly number[] => results.map(pick)
  const perSecond = of((result) => result.perSecond)
  const cells = [
    name.padEnd(24),
    `${cell(perSecond, 0)}/s`.padStart(28),
    `p50 ${cell(
      of((result) => result.p50Ms),
      3,
    )} ms`.padStart(32),
    `p99 ${cell(
      of((result) => result.p99Ms),
      3,
    )} ms`.padStart(34),
    entries === 0 ? '' : `${Math.round(spread(perSecond).median * entries).toLocaleString('en')} entries/s`.padStart(20),
  ]
  console.log(cells.join(' ').trimEnd())
  const p50Ms = spread(of((result) => result.p50Ms))
  const p99Ms = spread(of((result) => result.p99Ms))
  return { name, entries, entryBytes, perSecond: spread(perSecond), p50Ms, p99Ms }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: 'string' }, folder: { type: 'string' } } })
  const folder = mkdtempSync(join(values.folder ?? tmpdir(), 'lockstep-bench-'))
  const bare = bareLine(folder)
  const lmdb = await opened(new LmdbLogStore({ folder: join(folder, 'lmdb') }))
  const beneath = new LmdbLogStore({ folder: join(folder, 'journaled') })
  const journaled = await opened(new JournaledLogStore({ folder: join(folder, 'journaled'), beneath }))
  const stores: readonly (readonly [string, LogStore])[] = [
    ['journaled', journaled],
    ['LMDB', lmdb],
  ]
  const lines = [bare.line, ...sizes.flatMap((size) => stores.map(([kind, store]) => storeLine(kind, store, size)))]
  const results = new Map<Line, Result[]>(lines.map((line) => [line, []]))
  for (let round = 0; round < rounds; round++) for (const line of lines) results.get(line)?.push(await measure(line))
  for (const [, store] of stores) await new Promise<void>((resolve) => store.close(resolve))
  bare.close()
  rmSync(folder, { recursive: true })
  console.log(`median (minimum–maximum) of ${rounds} rounds; one commit at a time`)
  const reports = lines.map((line) => report(line, results.get(line) ?? []))
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ bench: 'store', results: reports }, null, 2)}\n`)
}

await main()
