import { closeSync, existsSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { found, readableMs } from './finding.ts'
import type { Finding } from './finding.ts'

const gib = 2 ** 30
/** Below this share nodes refuse to write. */
const lowWater = 0.05

/** The folder, or where it would be made. */
export function nearestFolder(folder: string): string {
  const path = resolve(folder)
  return existsSync(path) ? path : nearestFolder(dirname(path))
}

export function checkSpace(folder: string): Finding {
  const { bavail, blocks, bsize } = statfsSync(folder)
  return judgeSpace({ folder, freeBytes: bavail * bsize, totalBytes: blocks * bsize })
}

export function judgeSpace(disk: { readonly folder: string; readonly freeBytes: number; readonly totalBytes: number }): Finding {
  const share = disk.freeBytes / disk.totalBytes
  const seen = `${(disk.freeBytes / gib).toFixed(1)} GiB free of ${(disk.totalBytes / gib).toFixed(1)} (${Math.round(share * 100)} %) for ${disk.folder}`
  const check = 'disk space'
  if (share < lowWater) return { check, verdict: 'broken', seen, fix: 'make room: below 5 % free, nodes refuse to write' }
  if (share < 2 * lowWater || disk.freeBytes < gib)
    return { check, verdict: 'warning', seen, fix: 'make room soon: below 5 % free, nodes refuse to write' }
  return found(check, seen)
}

const block = Buffer.alloc(4_096, 1)
const rounds = 200
const limitMs = 3_000

type Progress = (round: number, rounds: number) => void

/** How long the disk takes to keep 4 KiB, which every grant of a lock waits for. */
export function checkSync(folder: string, progress: Progress): Finding {
  const own = mkdtempSync(join(folder, 'lockstep-doctor-'))
  try {
    return judgeSync(syncTimes(join(own, 'probe'), progress))
  } finally {
    rmSync(own, { recursive: true })
  }
}

function syncTimes(path: string, progress: Progress): readonly number[] {
  const file = openSync(path, 'w')
  const times: number[] = []
  const deadline = performance.now() + limitMs
  try {
    for (let round = 0; round < rounds && performance.now() < deadline; round++) {
      const startedAt = performance.now()
      writeSync(file, block, 0, block.length, round * block.length)
      fdatasyncSync(file)
      times.push(performance.now() - startedAt)
      progress(times.length, rounds)
    }
  } finally {
    closeSync(file)
  }
  return times
}

export function judgeSync(timesMs: readonly number[]): Finding {
  const sorted = timesMs.toSorted((left, right) => left - right)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Infinity
  const [p50, p99] = [at(0.5), at(0.99)]
  const figures = `4 KiB made durable in ${readableMs(p50)} (p50), ${readableMs(p99)} (p99)`
  const check = 'disk sync'
  const faster = 'use a faster disk for the data folder: every grant waits for one sync on a majority of the nodes'
  if (p99 >= 250) return { check, verdict: 'broken', seen: `${figures}: so slow that leaders lose their followers`, fix: faster }
  if (p50 >= 20) return { check, verdict: 'warning', seen: `${figures}: slow`, fix: faster }
  if (p50 < 0.02) {
    const fix = 'make sure that the data folder is on a disk that keeps what it has confirmed when the power fails, and not in memory'
    return { check, verdict: 'warning', seen: `${figures}: faster than a disk can be`, fix }
  }
  return found(check, `${figures}: ${p50 < 2 ? 'fast' : 'good enough'}`)
}
