import { exitCodes } from '#cli/exit-codes.ts'

const firstMs = 2_000
const lastMs = 30_000
/** A node that ran for so long begins anew. */
const soundMs = 60_000

/** How long to wait before a node that died is started again: longer each time, while it keeps dying soon. */
export class Restarts {
  #failures = 0

  /** For one that died after so long. */
  delayMs(ranMs: number): number {
    if (ranMs >= soundMs) this.#failures = 0
    return Math.min(lastMs, firstMs * 2 ** Math.min(this.#failures++, 10))
  }
}

/** Who was told to end, has left its cluster or was removed from it is missed by nobody. */
export const isGone = (exitCode: number | null): boolean => exitCode === exitCodes.done || exitCode === exitCodes.removed

/** A restart does not mend a mistake in the flags, a damaged store or a port that is taken; and who is gone stays away. */
export const needsAPerson = (exitCode: number | null): boolean =>
  isGone(exitCode) || exitCode === exitCodes.usage || exitCode === exitCodes.damaged || exitCode === exitCodes.address
