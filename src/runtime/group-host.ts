import type { Instant, Message, RoleChange } from '#core/raft/types.ts'
import type { GroupWrite, LogStore, StoreFailure } from '#ports/log-store.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { PeerRequest, PeerResponse } from '#wire/peer-message.ts'

/** What a group needs of the node it lives on. */
export interface GroupHost {
  readonly store: LogStore
  readonly telemetry: Telemetry
  instant(): Instant
  /** Runs the task in this turn of the loop or a later one, in order. */
  post(task: () => void): void
  /** Leaves at the end of this turn. */
  send(group: number, message: Message): void
  /** Joins the one commit of this turn; `done` is called once it is durable, and never when it fails. */
  write(write: GroupWrite, done: () => void): void
  /** Runs once everything that was written so far is durable; at once when nothing is under way. */
  afterWrites(done: () => void): void
  /** The group has proposals or reads that wait for the end of the turn. */
  dirty(group: number): void
  /** A question to another node: `done` is called in a turn of the loop, with null when there was no answer. */
  ask(
    to: string,
    request: PeerRequest,
    options: { readonly timeoutMs: number; readonly done: (response: PeerResponse | null) => void },
  ): void
  /** Runs the task in a turn of the loop, that much later. */
  after(delayMs: number, task: () => void): void
  roleChanged(group: number, change: RoleChange): void
  storageFailed(failure: StoreFailure): void
}
