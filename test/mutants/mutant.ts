import type { ServiceName } from '#sim/services.ts'

/**
 * A mutant is production code with one deliberate fault. It proves that a check finds that fault: the check passes without it and must
 * fail with it. See docs/mutants.md.
 */
export interface Mutant {
  /** Kebab-case, unique. */
  readonly name: string
  /** What it breaks: `decision R1`, `pitfall 3`. */
  readonly guards: string
  /** In one sentence, what goes wrong. */
  readonly breaks: string
  /** From the root of the repository. */
  readonly file: string
  /** Occurs exactly once in the file; otherwise the mutant is stale. */
  readonly original: string
  readonly mutated: string
  /** Each of them must find it. */
  readonly checks: readonly Check[]
}

export type Check = TestCheck | SimulatorCheck

/** The tests of one file whose name begins like this. */
export interface TestCheck {
  readonly type: 'test'
  readonly file: string
  readonly test: string
  /** The fault shows as a hang: to run out of time is to find it. */
  readonly liveness?: true
}

/** Simulator seeds, in order, until one finds it; when none of them does, all seeds up to `seedsTried` get a try. */
export interface SimulatorCheck {
  readonly type: 'simulator'
  readonly service: ServiceName
  readonly seeds: readonly number[]
}

export const seedsTried = 60

/** Virtual minutes of a seed. */
export const minutes = 5

export const test = (file: string, name: string): TestCheck => ({ type: 'test', file, test: name })
export const simulator = (...seeds: readonly number[]): SimulatorCheck => ({ type: 'simulator', service: 'register', seeds })
export const librarySimulator = (...seeds: readonly number[]): SimulatorCheck => ({ type: 'simulator', service: 'library', seeds })
export const queueSimulator = (...seeds: readonly number[]): SimulatorCheck => ({ type: 'simulator', service: 'queue', seeds })
export const cacheSimulator = (...seeds: readonly number[]): SimulatorCheck => ({ type: 'simulator', service: 'cache', seeds })
export const cacheLibrarySimulator = (...seeds: readonly number[]): SimulatorCheck => ({
  type: 'simulator',
  service: 'cache-library',
  seeds,
})
export const queueLibrarySimulator = (...seeds: readonly number[]): SimulatorCheck => ({
  type: 'simulator',
  service: 'queue-library',
  seeds,
})
export const lockSimulator = (...seeds: readonly number[]): SimulatorCheck => ({ type: 'simulator', service: 'lock', seeds })
