import { registerTerms, usualRestMs } from './options.ts'
import type { ClusterTerms, SimOptions } from './options.ts'
import { CacheWorkload } from '#sim/cache/cache-workload.ts'
import { LockWorkload } from '#sim/lock/lock-workload.ts'
import { QueueWorkload } from '#sim/queue/queue-workload.ts'
import { RegisterWorkload } from '#sim/register/register-workload.ts'
import type { Workload, World } from './workload.ts'

interface SimulatedService {
  readonly terms: ClusterTerms
  readonly workload: (world: World, options: SimOptions) => Workload
}

/** Decision L8: one slot. */
const lockTerms: ClusterTerms = { slotsMax: 1, groupsBesides: 0, faults: ['stop'], mayForget: false, restMs: usualRestMs }

/** What is left of one key comes out of its queue one by one. */
const queueTerms: ClusterTerms = { slotsMax: 2, groupsBesides: 1, faults: ['stop'], mayForget: false, restMs: 600_000 }

const cacheTerms: ClusterTerms = { slotsMax: 2, groupsBesides: 0, faults: ['stop'], mayForget: true, restMs: usualRestMs }

/** What can be simulated. */
export const services = {
  register: { terms: registerTerms, workload: (world, options) => new RegisterWorkload(world, options) },
  lock: { terms: lockTerms, workload: (world) => new LockWorkload(world, { library: false }) },
  /** The locks with programs that use the client library among their clients. */
  library: { terms: lockTerms, workload: (world) => new LockWorkload(world, { library: true }) },
  queue: { terms: queueTerms, workload: (world, options) => new QueueWorkload(world, options, { library: false }) },
  /** The queues with programs that use the client library among their clients. */
  'queue-library': { terms: queueTerms, workload: (world, options) => new QueueWorkload(world, options, { library: true }) },
  cache: { terms: cacheTerms, workload: (world, options) => new CacheWorkload(world, options, { library: false }) },
  /** The cache with programs that use the client library among its clients. */
  'cache-library': { terms: cacheTerms, workload: (world, options) => new CacheWorkload(world, options, { library: true }) },
} as const satisfies Readonly<Record<string, SimulatedService>>

export type ServiceName = keyof typeof services

export const serviceNames = Object.keys(services) as readonly ServiceName[]
export const isServiceName = (name: string): name is ServiceName => Object.hasOwn(services, name)
