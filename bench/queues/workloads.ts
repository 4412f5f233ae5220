import type { Plan } from './drive.ts'

export interface Workload extends Pick<Plan, 'work' | 'calls' | 'batch'> {
  /** To ask for it on the command line. */
  readonly name: string
  readonly title: string
}

const inFlight = 256
const batchCalls = 4
const batch = 100

const ofBatches = { calls: batchCalls, batch }
const batches = `batches of ${batch}, ${batchCalls} in flight`

/** Messages have 256 bytes. */
export const workloads: readonly Workload[] = [
  { name: 'produce-1', title: 'produce, 1 in flight', work: 'produce', calls: 1, batch: 1 },
  { name: 'produce', title: `produce, ${inFlight} in flight`, work: 'produce', calls: inFlight, batch: 1 },
  { name: 'consume', title: `consume and ack, credit ${inFlight}`, work: 'consume', calls: inFlight, batch: 1 },
  { name: 'both', title: `both at once, ${inFlight} in flight and credit ${inFlight}`, work: 'both', calls: inFlight, batch: 1 },
  { name: 'produce-batches', title: `produce, ${batches}`, work: 'produce', ...ofBatches },
  { name: 'consume-batches', title: `consume and ack, ${batches}`, work: 'consume', ...ofBatches },
  { name: 'both-batches', title: `both at once, ${batches}`, work: 'both', ...ofBatches },
]

/** Those that a list with commas names, in the order in which they are measured. Throws for one that nobody knows. */
export function workloadsNamed(list: string): readonly Workload[] {
  const names = list.split(',')
  const known = workloads.map(({ name }) => name)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new Error(`there is no workload called ${unknown.join(', ')}; there are ${known.join(', ')}`)
  return workloads.filter(({ name }) => names.includes(name))
}
