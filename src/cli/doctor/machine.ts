import { found } from './finding.ts'
import type { Finding } from './finding.ts'

const mib = 2 ** 20

/** Which Node.js a program needs: what its package says, unless it runs from sources, whose types only newer ones strip. */
export const neededNode = (engines: string, isSource: boolean): string => (isSource ? '24.0' : engines.replace('>=', ''))

export function checkNode(version: string, needed: string): Finding {
  const seen = `Node.js ${version}`
  if (rank(version) >= rank(needed)) return found('node', seen)
  return { check: 'node', verdict: 'broken', seen, fix: `install Node.js ${needed} or newer` }
}

function rank(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major * 1_000 + minor
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
