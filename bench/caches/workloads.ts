import type { Plan } from './drive.ts'

export interface Workload extends Pick<Plan, 'work' | 'calls'> {
  /** To ask for it on the command line. */
  readonly name: string
  readonly title: string
}

const inFlight = 256

/** Values have 100 bytes, of 1 000 keys. */
export const workloads: readonly Workload[] = [
  { name: 'here', title: 'read what is in the process, at once', work: 'here', calls: 1 },
  { name: 'hit-1', title: 'read what was read before, 1 under way', work: 'hit', calls: 1 },
  { name: 'hit', title: `read what was read before, ${inFlight} under way`, work: 'hit', calls: inFlight },
  { name: 'owner', title: 'write in the process, at once, and confirm later', work: 'owner', calls: 1 },
  { name: 'set-1', title: 'write, 1 under way', work: 'set', calls: 1 },
  { name: 'set', title: `write, ${inFlight} under way`, work: 'set', calls: inFlight },
  { name: 'stale', title: 'one writes; when that is confirmed another reads, 16 keys side by side', work: 'stale', calls: 16 },
]

/** Those that a list with commas names, in the order in which they are measured. Throws for one that nobody knows. */
export function workloadsNamed(list: string): readonly Workload[] {
  const names = list.split(',')
  const known = workloads.map(({ name }) => name)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new Error(`there is no workload called ${unknown.join(', ')}; there are ${known.join(', ')}`)
  return workloads.filter(({ name }) => names.includes(name))
}
