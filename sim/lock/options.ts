import type { Prng } from '#base/prng.ts'
import type { DeadlockMode } from '#core/lock/types.ts'

/** What a seed decides about the clients of the locks (swarm testing: each run has some of it, not a little of all). */
export interface LockOptions {
  /** Locks of a known length, one by one. */
  readonly leaseClients: number
  /** Many locks under one session. */
  readonly sessionClients: number
  /** Programs that use the library. */
  readonly libraryClients: number
  /** How often something goes wrong with one of those. */
  readonly libraryFateEveryMs: number
  /** One lock at a time, now or never: what they see must be linearizable. */
  readonly plainClients: number
  readonly plainKeys: number
  /** Resources that everybody wants. */
  readonly hot: number
  readonly cold: number
  readonly hotShare: number
  readonly sharedShare: number
  readonly manyShare: number
  readonly nestedShare: number
  readonly thinkMs: number
  readonly lockDelayMs: number
  readonly deadlockModes: readonly DeadlockMode[]
  /** Probabilities of misfortune, for each lock that is taken. */
  readonly freezeShare: number
  readonly crashShare: number
  readonly hangUpShare: number
  readonly abandonShare: number
  /** Whether operators take locks away. */
  readonly forces: boolean
}

const modes: readonly DeadlockMode[] = ['requester', 'youngest', 'fewest-locks', 'wait-die', 'wound-wait']

export function drawLockOptions(prng: Prng): LockOptions {
  const calm = prng.chance(0.2)
  return {
    leaseClients: prng.between(2, 5),
    sessionClients: prng.between(2, 4),
    libraryClients: prng.between(1, 2),
    libraryFateEveryMs: prng.pick([4_000, 10_000, 30_000]),
    plainClients: prng.between(2, 3),
    plainKeys: prng.between(2, 4),
    hot: prng.between(1, 4),
    cold: prng.pick([10, 40]),
    hotShare: prng.pick([0.4, 0.7, 0.9]),
    sharedShare: prng.pick([0.2, 0.5]),
    manyShare: prng.pick([0, 0.1, 0.3]),
    nestedShare: prng.pick([0.1, 0.4]),
    thinkMs: prng.pick([300, 600, 1_000]),
    lockDelayMs: prng.pick([0, 0, 500, 3_000]),
    deadlockModes: prng.chance(0.5) ? ['requester'] : prng.shuffle(modes).slice(0, 2),
    freezeShare: calm ? 0 : prng.pick([0.02, 0.08]),
    crashShare: calm ? 0 : prng.pick([0.01, 0.04]),
    hangUpShare: calm ? 0 : prng.pick([0.05, 0.2]),
    abandonShare: calm ? 0 : prng.pick([0.02, 0.1]),
    forces: prng.chance(0.3),
  }
}
