import type { Entry, LogIndex } from '#core/raft/types.ts'
import type { ProposalOutcome } from '#wire/peer-message.ts'
import type { ClusterOverview } from './cluster-overview.ts'
import type { Leadership } from './leadership.ts'
import type { NodeStanding } from './node-standing.ts'
import type { QueryOptions, ReadIndexOptions } from './reads.ts'
import type { SubmitOptions } from './router.ts'
import type { AskOptions } from './service-port.ts'

/**
 * What a service asks of the node it runs on, whatever keeps its groups: replicas with logs of their own, or owners with their logs in Redis. A
 * service that uses nothing else runs on either.
 */
export interface SlotHost {
  readonly standing: NodeStanding
  /** Null before it belongs to a cluster, and always where no meta group decides who is a member. */
  readonly overview: ClusterOverview | null
  /** Runs in a turn of the node's loop; dropped while the node has none. */
  post(task: () => void): void
  /** Carries out a command in a group at most once, wherever its leader is. */
  submit(group: number, body: Uint8Array, options: SubmitOptions): void
  /** Asks this node's own machine, linearizably; null when that could not be done in time or there is no machine here. */
  query(group: number, question: Uint8Array, options: QueryOptions): void
  /** An index that everything is at or before that was answered until now; null when nobody could tell in time. */
  readIndex(group: number, options: ReadIndexOptions): void
  /** Asks the service on a node, also on this one; null when no answer came in time. */
  ask(to: string, group: number, question: Uint8Array, options: AskOptions): void
  /** Proposes here, whatever this node's role: for what only this leader, in this term, may decide. */
  propose(group: number, body: Uint8Array, done: (outcome: ProposalOutcome) => void): void
  /** Null unless this node leads the group, and its machine has caught up with its term. */
  leadership(group: number): Leadership | null
  /** Of a leader: to a node that waits for what was committed just now. */
  tellCommit(group: number, node: string): void
  /** How far the machine of the group on this node has come; null while there is none that takes part. */
  appliedIndex(group: number): LogIndex | null
  /** The node that leads, as far as this one knows. */
  leaderOf(group: number): string | null
  /** The other nodes that have the group, as far as this one knows. */
  nodesOf(group: number): readonly string[]
  /** An entry of the group's log that is retained or live; null when it is not to be had here. Its checksum was verified. */
  readEntry(group: number, index: LogIndex, done: (entry: Entry | null) => void): void
}
