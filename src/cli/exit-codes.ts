/**
 * How every command ends, for scripts. `docs/cli.md` tells them. From 64 on they are those of `sysexits.h`, so that `run` can pass on the
 * codes of the command it runs, which are small or above 125.
 */
export const exitCodes = {
  done: 0,
  /** The service understood, and said no: not the holder, no such lock, a deadlock. Or `doctor` found something broken. */
  refused: 1,
  usage: 2,
  /** The store must not be used any more, whatever is tried. */
  damaged: 3,
  /** The store cannot be used now: another process has it, the disk is full or fails, or it is another node's. */
  storage: 4,
  /** Nothing can listen there: taken, not this machine's, or not allowed. */
  address: 5,
  /** Of a cache: there is no value. */
  absent: 6,
  /** The value is not the one that was expected, so nothing was changed. */
  mismatch: 7,
  /** The node is no member of its cluster any more, and can never be with this store. */
  removed: 8,
  /** No node answered, or no leader was found: nobody knows about the lock. */
  unavailable: 69,
  /** A mistake in this program. */
  bug: 70,
  /** The lock is held by others, or a limit is reached: try again later. */
  busy: 75,
  /** The lock was lost while the command ran. */
  lost: 79,
  /** The command of `run` may not be executed, or was not found, as shells have it. */
  notExecutable: 126,
  notFound: 127,
} as const

/** Of a process that a signal ended, as shells have it. */
export const signalExitCode = (signalNumber: number): number => 128 + signalNumber
