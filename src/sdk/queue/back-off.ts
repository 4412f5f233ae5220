import { queueLimits } from '#core/queue/limits.ts'

/** How long a message that failed waits: doubling with each failure, each time shortened by up to `jitter` of it by chance. */
export interface BackOff {
  /** After the first failure, in milliseconds; 1 s unless given. */
  readonly delayMs?: number | undefined
  /** Where doubling ends, in milliseconds; a minute unless given. */
  readonly maxMs?: number | undefined
  /** From 0 to 1; a fifth unless given. */
  readonly jitter?: number | undefined
}

/** `failed`: how often it has failed before; `chance` is in [0, 1). */
export function backOffDelay({ delayMs = 1_000, maxMs = 60_000, jitter = 0.2 }: BackOff, failed: number, chance: number): number {
  const grown = Math.min(delayMs * 2 ** Math.min(failed, 40), maxMs)
  const delay = Math.round(grown * (1 - Math.min(Math.max(jitter, 0), 1) * chance))
  return Math.min(Math.max(0, delay), queueLimits.durationMsMax)
}
