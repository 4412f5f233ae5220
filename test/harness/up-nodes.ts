import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The nodes of `lockstep up`, as they are seen from outside. */

const firstPorts = { lock: 8_001, queue: 9_001, cache: 7_001 } as const
type Service = keyof typeof firstPorts
const services = Object.keys(firstPorts) as readonly Service[]

const idsOf = (service: Service): readonly string[] => [1, 2, 3].map((number) => `${service}-node-${number}`)

export const urlsOf = (service: Service, offset: number): readonly string[] =>
  [0, 1, 2].map((at) => `http://127.0.0.1:${firstPorts[service] + offset + at}`)

/** With these commands find all nine. */
export const variablesOf = (offset: number): Readonly<Record<string, string>> =>
  Object.fromEntries(services.map((service) => [`LOCKSTEP_${service.toUpperCase()}_URL`, urlsOf(service, offset).join()]))

/** The process that has the data of a node, as its store says. */
export const pidOf = (folder: string, id: string): number =>
  (JSON.parse(readFileSync(join(folder, id, 'store.lock'), 'utf8')) as { readonly pid: number }).pid

export const pidsOf = (folder: string, some: readonly Service[] = services): readonly number[] =>
  some.flatMap(idsOf).map((id) => pidOf(folder, id))

export function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** How long processes were ready to run and had no processor, the one that had to wait most; 0 where the system does not tell. */
export function starvedMs(pids: readonly number[]): number {
  if (process.platform !== 'linux') return 0
  return Math.max(...pids.map((pid) => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6))
}

/** As a terminal does: to a process that was begun with `detached`, and to all that it has begun. */
export function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // All of them have ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
