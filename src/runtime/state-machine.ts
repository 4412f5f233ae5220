import type { Millis, WallMillis } from '#base/brand.ts'
import type { LogIndex, LogRange, Term } from '#core/raft/types.ts'

/** What the runtime replicates. Deterministic: equal commands under equal contexts give equal answers and equal state on every replica. */
export interface StateMachine {
  /** Carries out one committed command and answers it. Must take any bytes: what it does not understand it answers with a refusal. */
  apply(command: Uint8Array, context: ApplyContext): Uint8Array
  /** Answers a question without changing anything. */
  query(question: Uint8Array): Uint8Array
  /** The whole state in pieces. They are pulled over several turns of the event loop; nothing is applied in between. */
  snapshot(): Iterable<Uint8Array>
  /** Replaces the whole state by that of a snapshot, made by this version or an older one. */
  restore(snapshot: Uint8Array): void
  /** Null for one that needs nothing more of an entry that it has applied. */
  readonly bodies: LiveBodies | null
}

/** Which entries of the log a machine goes on needing, for their bodies are there and not in its state. As of what it has applied. */
export interface LiveBodies {
  /** Ascending ranges of entries that are needed, between these two, both included. Read before anything more is applied. */
  live(from: LogIndex, to: LogIndex): Iterable<LogRange>
  /** Ascending ranges of entries that have become unneeded, since the last `dropped` or `restore`. */
  dead(): readonly LogRange[]
  /** The store has taken note of what `dead` says. */
  dropped(): void
}

export interface ApplyContext {
  readonly index: LogIndex
  /** Of the command among those of its entry, from 0. */
  readonly position: number
  /** In which the entry was made. */
  readonly term: Term
  /** Elapsed machine time (decision R5): for leases and every other length of time. */
  readonly time: Millis
  /** The leader's wall clock when it made the entry: for comparison with absolute instants only. */
  readonly wall: WallMillis
  /** The machine version that the whole group has agreed on (decision R9): what a command does may depend on it. */
  readonly version: number
}
