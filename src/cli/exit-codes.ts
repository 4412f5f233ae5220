/** How a node ends, for whatever runs it. `lockstep help` tells them. */
export const exitCodes = {
  stopped: 0,
  /** A mistake in this program. */
  bug: 1,
  usage: 2,
  /** The store must not be used any more, whatever is tried. */
  damaged: 3,
  /** The store cannot be used now: another process has it, the disk is full or fails, or it is another node's. */
  storage: 4,
  /** Nothing can listen there: taken, not this machine's, or not allowed. */
  address: 5,
} as const
