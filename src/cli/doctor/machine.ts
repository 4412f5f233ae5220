import { found } from './finding.ts'
import type { Finding } from './finding.ts'

const neededMajor = 24
const mib = 2 ** 20

export function checkNode(version: string): Finding {
  const seen = `Node.js ${version}`
  if (Number(version.split('.')[0]) >= neededMajor) return found('node', seen)
  return { check: 'node', verdict: 'broken', seen, fix: `install Node.js ${neededMajor} or newer` }
}

/** What a process may still take, also within a container. */
export function checkMemory(availableBytes: number): Finding {
  const seen = `${Math.round(availableBytes / mib)} MiB available`
  const check = 'memory'
  if (availableBytes < 256 * mib)
    return { check, verdict: 'broken', seen, fix: 'free some: a node needs some 150 MiB before it holds any locks' }
  if (availableBytes < 1_024 * mib) return { check, verdict: 'warning', seen, fix: 'three nodes on this machine will be tight' }
  return found(check, seen)
}
