import { readFileSync, readdirSync } from 'node:fs'
import type { NodeProcess } from '#test/harness/node-process.ts'

/** What a node has at a moment. */
export interface MemorySample {
  readonly atMs: number
  /** Files and connections that are open. */
  readonly descriptors: number
  readonly residentBytes: number
  /** Of the process alone, without what it has mapped of files. */
  readonly anonymousBytes: number
  /** Null when the node did not tell in time. */
  readonly heapBytes: number | null
}

function statusBytes(status: string, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
  if (kibibytes === undefined) throw new Error(`this system does not tell ${field}`)
  return Number(kibibytes) * 1024
}

async function heapBytes(node: NodeProcess): Promise<number | null> {
  try {
    const response = await fetch(`${node.url}/metrics?format=prometheus`, { signal: AbortSignal.timeout(4_000) })
    const found = /^nodejs_heap_size_used_bytes(?:\{[^}]*\})? (\S+)$/m.exec(await response.text())?.[1]
    return found === undefined ? null : Number(found)
  } catch {
    // Too busy to tell: the next sample may have it.
    return null
  }
}

export async function sampleMemory(node: NodeProcess, atMs: number): Promise<MemorySample> {
  const heap = await heapBytes(node)
  const status = readFileSync(`/proc/${node.pid}/status`, 'utf8')
  return {
    atMs,
    descriptors: readdirSync(`/proc/${node.pid}/fd`).length,
    residentBytes: statusBytes(status, 'VmRSS'),
    anonymousBytes: statusBytes(status, 'RssAnon'),
    heapBytes: heap,
  }
}

/** What may be added after the first third of a run: a heap that breathes, and a table that doubles. */
const breathBytes = 48 * 1024 * 1024
/** Connections of others come and go. */
const descriptorsMore = 16

const median = (values: readonly number[]): number => values.toSorted((left, right) => left - right)[values.length >> 1] ?? NaN

/** Whether memory stays where it was once the run was warm: the last third of it against the middle one. */
export function isFlat(samples: readonly MemorySample[]): boolean {
  const third = Math.floor(samples.length / 3)
  if (third === 0) return true
  const bytesOf = (part: readonly MemorySample[]): number => median(part.map(({ anonymousBytes }) => anonymousBytes))
  return bytesOf(samples.slice(-third)) <= 1.05 * bytesOf(samples.slice(third, 2 * third)) + breathBytes
}

/** Whether no more is open when the load has gone than before it came. */
export const isClosed = (before: MemorySample, after: MemorySample): boolean => after.descriptors <= before.descriptors + descriptorsMore

const mebibytes = (bytes: number | null): string => (bytes === null ? '–' : (bytes / 1024 / 1024).toFixed(0))

/** At the start, at most, and at the end, of each kind. */
export function memoryLine(samples: readonly MemorySample[]): string {
  const kind = (name: string, of: (sample: MemorySample) => number | null): string => {
    const known = samples.map(of).filter((value) => value !== null)
    return `${name} ${mebibytes(known[0] ?? null)} → ${mebibytes(known.length === 0 ? null : Math.max(...known))} → ${mebibytes(known.at(-1) ?? null)}`
  }
  const resident = kind('resident', (sample) => sample.residentBytes)
  const descriptors = samples.map((sample) => sample.descriptors)
  return (
    `${resident}, ${kind('anonymous', (sample) => sample.anonymousBytes)}, ${kind('heap', (sample) => sample.heapBytes)} MiB; ` +
    `descriptors ${descriptors[0]} → ${Math.max(...descriptors)} → ${descriptors.at(-1)}`
  )
}
