import { assert } from '#base/assert.ts'

export interface ShedderLimits {
  /** Work may always have to wait for so long. */
  readonly targetMs: number
  /** The shortest wait within such a time is what stands in line. */
  readonly intervalMs: number
  /** By how much the share changes with an interval, for each millisecond above the target. */
  readonly ofWait: number
  /** And for each millisecond by which the wait has grown since the last interval. */
  readonly ofGrowth: number
  /** Of one interval. */
  readonly riseMax: number
  readonly fallMax: number
  /** With so much under way nothing is refused: a machine on which that waits is slow, and not overloaded. */
  readonly openFree: number
  /** Longer waits need less under way to be overload: in proportion, down to so much. */
  readonly openFreeMin: number
  /** Some is always taken, or nobody would learn that the waits are over. */
  readonly shareMax: number
  /** Who has heard of no wait for so long knows of none. */
  readonly forgetMs: number
}

/**
 * Twice the load that is carried lets waits grow by a second in a second. The two gains are those of a regulator that comes to rest without swinging: ofGrowth² = 2 ofWait / intervalMs,
 * and the slower of waits and regulator takes about half a second.
 */
const common = {
  intervalMs: 100,
  ofWait: 0.0002,
  ofGrowth: 0.002,
  riseMax: 0.2,
  fallMax: 0.05,
  openFree: 64,
  openFreeMin: 8,
  shareMax: 0.95,
  forgetMs: 1_000,
} as const

export const overloadLimits = {
  /** For a turn of the event loop. */
  turns: { ...common, targetMs: 100 },
  /** For a command to be committed and applied. */
  commands: { ...common, targetMs: 200 },
  /** Between two looks at how late a turn comes. */
  lookMs: 50,
} as const

assert(2 * overloadLimits.lookMs <= overloadLimits.turns.intervalMs, 'an interval has more than one look')
