import { registerTerms } from './options.ts'
import type { ClusterTerms, SimOptions } from './options.ts'
import { LockWorkload } from '#sim/lock/lock-workload.ts'
import { RegisterWorkload } from '#sim/register/register-workload.ts'
import type { Workload, World } from './workload.ts'

interface SimulatedService {
  readonly terms: ClusterTerms
  readonly workload: (world: World, options: SimOptions) => Workload
}

/** What can be simulated. */
export const services = {
  register: { terms: registerTerms, workload: (world, options) => new RegisterWorkload(world, options) },
  // Decision L8: one slot.
  lock: { terms: { slotsMax: 1, faults: ['stop'] }, workload: (world) => new LockWorkload(world) },
} as const satisfies Readonly<Record<string, SimulatedService>>

export type ServiceName = keyof typeof services

export const serviceNames = Object.keys(services) as readonly ServiceName[]
export const isServiceName = (name: string): name is ServiceName => Object.hasOwn(services, name)
