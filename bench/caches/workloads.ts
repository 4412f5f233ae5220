import type { Plan } from './drive.ts'

export interface Workload extends Pick<Plan, 'work' | 'calls' | 'keys' | 'apart'> {
  /** To ask for it on the command line. */
  readonly name: string
  readonly title: string
}

const inFlight = 256
/** As many as an HTTP server has connections here. */
const connections = 64
const sideBySide = 16
/** Unless somebody wants another number of them. */
export const usualKeys = 1_000

const read = 'read what was read before'
const probe = { work: 'stale', calls: sideBySide, keys: sideBySide } as const

type Named = Omit<Workload, 'keys' | 'apart'> & Partial<Pick<Workload, 'keys' | 'apart'>>

/** Values have 100 bytes. Those without a number of keys are measured with as many as are asked for. */
const known: readonly Named[] = [
  { name: 'here', title: 'read what is in the process, at once', work: 'here', calls: 1 },
  { name: 'hit-1', title: `${read}, 1 under way`, work: 'hit', calls: 1 },
  { name: 'hit-64', title: `${read}, ${connections} under way`, work: 'hit', calls: connections },
  { name: 'hit', title: `${read}, ${inFlight} under way`, work: 'hit', calls: inFlight },
  { name: 'owner', title: 'write in the process, at once, and confirm later', work: 'owner', calls: 1 },
  { name: 'set-1', title: 'write, 1 under way', work: 'set', calls: 1 },
  { name: 'set', title: `write, ${inFlight} under way`, work: 'set', calls: inFlight },
  { name: 'turns', title: 'two write the same key in turns', work: 'turns', calls: 1, keys: 1 },
  { name: 'stale', title: `one writes; when that is confirmed another reads, ${sideBySide} keys side by side`, ...probe },
  {
    name: 'stale-apart',
    title: `one writes; when that is confirmed another process reads, ${sideBySide} keys side by side`,
    ...probe,
    apart: true,
  },
]

export const workloadNames: readonly string[] = known.map(({ name }) => name)

/** Those that a list with commas names, in the order in which they are measured, with so many keys each. Throws for one that nobody knows. */
export function workloadsNamed(list: string, keyCounts: readonly number[] = [usualKeys]): readonly Workload[] {
  const names = list.split(',')
  const unknown = names.filter((name) => !workloadNames.includes(name))
  if (unknown.length > 0) throw new Error(`there is no workload called ${unknown.join(', ')}; there are ${workloadNames.join(', ')}`)
  return known
    .filter(({ name }) => names.includes(name))
    .flatMap((each): readonly Workload[] => {
      if (each.keys !== undefined) return [{ apart: false, ...each, keys: each.keys }]
      return keyCounts.map((keys) => ({ apart: false, ...each, title: titleOf(each.title, keys), keys }))
    })
}

const titleOf = (title: string, keys: number): string => (keys === usualKeys ? title : `${title}, ${keys} ${keys === 1 ? 'key' : 'keys'}`)

/** Of numbers with commas. Throws for what is none. */
export function keyCountsOf(list: string): readonly number[] {
  const counts = list.split(',').map(Number)
  const wrong = counts.find((count) => !Number.isSafeInteger(count) || count < 1)
  if (wrong !== undefined) throw new Error(`${list}: not numbers of keys`)
  return counts
}
