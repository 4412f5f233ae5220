import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { open } from 'lmdb'
import { percentile, spread } from '#bench/kit/stats.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Entry } from '#core/raft/types.ts'
import { durableOptions, Environment } from '#io/lmdb/environment.ts'
import { streamId, tailKey } from '#io/lmdb/keys.ts'
import { encodeTail } from '#io/lmdb/state-records.ts'
import type { Put } from '#io/lmdb/transaction.ts'
import { runOf, runsOf } from '#io/lmdb/transaction.ts'

/**
 * Ways of making a few entries durable with LMDB, side by side: why the store writes small transactions on the event loop, and
 * entries in runs. Each round measures all of them in turn. Takes about 20 seconds.
 */

const sizes = [1, 64, 1_000] as const
const entryBytes = 100
const rounds = 3
const runMs = 400
const warmUpMs = 50

type Shape = 'runs' | 'one record per entry'
/** Durable once the promise resolves. */
type Write = (puts: readonly Put[]) => Promise<void>

interface Place {
  readonly name: string
  readonly write: Write
  readonly close: () => Promise<void>
}

function ourOptions(folder: string): readonly Place[] {
  const environment = new Environment({ folder, freeBytes: () => Number.MAX_SAFE_INTEGER })
  const putAll = (puts: readonly Put[]): void => {
    for (const { key, record } of puts) environment.put(key, record)
  }
  const inline: Write = async (puts) => {
    environment.inline(() => putAll(puts))
    return Promise.resolve()
  }
  const onThread: Write = (puts) => environment.onThread(() => putAll(puts))
  const close = (): Promise<void> => environment.close()
  return [
    { name: 'event loop', write: inline, close },
    { name: "LMDB's thread", write: onThread, close: () => Promise.resolve() },
  ]
}

/** The default of lmdb-js, waited for until it is as durable as the others. */
function theirDefault(folder: string): Place {
  const database = open<Uint8Array, Uint8Array>({ path: folder, encoding: 'binary', keyEncoding: 'binary', overlappingSync: true })
  const write: Write = async (puts) => {
    await database.batch(() => {
      for (const { key, record } of puts) void database.put(key, record)
    })
    await database.flushed
  }
  return { name: 'overlappingSync, flushed', write, close: () => database.close() }
}

interface Line {
  readonly name: string
  readonly entries: number
  readonly next: () => Promise<void>
}

let streams = 0

/** Each line appends to a log of its own, with the tail marker that goes with every append. */
function lineOf(place: Place, shape: Shape, entries: number): Line {
  const stream = streamId(++streams)
  const group = streams
  const payload = { type: 'command', bytes: new Uint8Array(entryBytes).fill(7) } as const
  let index = 1
  const next = (): Promise<void> => {
    const batch: Entry[] = []
    for (let count = 0; count < entries; count++) {
      batch.push({ index: logIndex(index++), term: term(1), time: millis(0), wall: wallMillis(0), payload })
    }
    const records = shape === 'runs' ? runsOf(stream, batch) : batch.map((entry) => runOf(stream, [entry]))
    const tail = { key: tailKey(group), record: encodeTail(group, { index: logIndex(index - 1), term: term(1) }) }
    return place.write([...records, tail])
  }
  return { name: `${place.name}, ${shape}`, entries, next }
}

interface Result {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuMicrosPerEntry: number
}

async function measure({ next, entries }: Line): Promise<Result> {
  for (const end = performance.now() + warmUpMs; performance.now() < end;) await next()
  const took: number[] = []
  const cpu = process.cpuUsage()
  const end = performance.now() + runMs
  for (let from = performance.now(); from < end;) {
    await next()
    const now = performance.now()
    took.push(now - from)
    from = now
  }
  const { user, system } = process.cpuUsage(cpu)
  const cpuMicrosPerEntry = (user + system) / (took.length * entries)
  return { p50Ms: percentile(took, 0.5), p99Ms: percentile(took, 0.99), cpuMicrosPerEntry }
}

function report({ name, entries }: Line, results: readonly Result[]): object {
  const p50Ms = spread(results.map((result) => result.p50Ms))
  const p99Ms = spread(results.map((result) => result.p99Ms))
  const cpuMicrosPerEntry = spread(results.map((result) => result.cpuMicrosPerEntry))
  const cells = [
    String(entries).padStart(6),
    name.padEnd(46),
    `p50 ${p50Ms.median.toFixed(3)} (${p50Ms.min.toFixed(3)}–${p50Ms.max.toFixed(3)}) ms`.padEnd(32),
    `p99 ${p99Ms.median.toFixed(2)} ms`.padEnd(14),
    `CPU ${cpuMicrosPerEntry.median.toFixed(2)} µs/entry`,
  ]
  console.log(cells.join(' '))
  return { name, entries, entryBytes, p50Ms, p99Ms, cpuMicrosPerEntry }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: 'string' }, folder: { type: 'string' } } })
  const folder = mkdtempSync(join(values.folder ?? tmpdir(), 'lockstep-bench-'))
  const places = [...ourOptions(join(folder, 'ours')), theirDefault(join(folder, 'theirs'))]
  const shapes: readonly Shape[] = ['runs', 'one record per entry']
  const lines = sizes.flatMap((size) => places.flatMap((place) => shapes.map((shape) => lineOf(place, shape, size))))
  const results = new Map<Line, Result[]>(lines.map((line) => [line, []]))
  for (let round = 0; round < rounds; round++) for (const line of lines) results.get(line)?.push(await measure(line))
  for (const place of places) await place.close()
  rmSync(folder, { recursive: true })
  console.log(
    `median (minimum–maximum) of ${rounds} rounds; one commit at a time, ${JSON.stringify(durableOptions)} where not said otherwise`,
  )
  const reports = lines.map((line) => report(line, results.get(line) ?? []))
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ bench: 'store-choices', results: reports }, null, 2)}\n`)
}

await main()
