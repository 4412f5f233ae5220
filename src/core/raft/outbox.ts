import type {
  Effects,
  Entry,
  HardState,
  LogIndex,
  MembershipOutcome,
  Message,
  Persist,
  ProposeOutcome,
  ReadState,
  ReplicaId,
  RoleChange,
  SnapshotMeta,
} from './types.ts'

/** Collects the effects of one step. */
export class Outbox {
  #hardState: HardState | null = null
  #install: SnapshotMeta | null = null
  #truncateFrom: LogIndex | null = null
  #entries: Entry[] = []
  #send: Message[] = []
  #sendAfterPersist: Message[] = []
  #readStates: ReadState[] = []
  #snapshotReads: { to: ReplicaId; index: LogIndex; offset: number }[] = []
  #restore: SnapshotMeta | null = null
  #snapshotWrite: Effects['snapshotWrite'] = null
  #proposed: ProposeOutcome | null = null
  #membershipChange: MembershipOutcome | null = null

  get persists(): boolean {
    return this.#hardState !== null || this.#install !== null || this.#truncateFrom !== null || this.#entries.length > 0
  }

  hardState(hardState: HardState): void {
    this.#hardState = hardState
  }
  install(snapshot: SnapshotMeta): void {
    this.#install = snapshot
    this.#truncateFrom = null
    this.#entries = []
  }
  truncateFrom(index: LogIndex): void {
    this.#truncateFrom = index
  }
  entries(entries: readonly Entry[]): void {
    for (const entry of entries) this.#entries.push(entry)
  }
  send(message: Message): void {
    this.#send.push(message)
  }
  sendAfterPersist(message: Message): void {
    this.#sendAfterPersist.push(message)
  }
  readState(state: ReadState): void {
    this.#readStates.push(state)
  }
  snapshotRead(read: { to: ReplicaId; index: LogIndex; offset: number }): void {
    this.#snapshotReads.push(read)
  }
  restore(snapshot: SnapshotMeta): void {
    this.#restore = snapshot
  }
  snapshotWrite(write: NonNullable<Effects['snapshotWrite']>): void {
    this.#snapshotWrite = write
  }
  proposed(outcome: ProposeOutcome): void {
    this.#proposed = outcome
  }
  membershipChange(outcome: MembershipOutcome): void {
    this.#membershipChange = outcome
  }

  /** Hands everything over and starts afresh. */
  take(last: { readonly persistId: number | null; readonly apply: readonly Entry[]; readonly role: RoleChange | null }): Effects {
    const effects: Effects = {
      persist: last.persistId === null ? null : this.#persist(last.persistId),
      send: this.#send,
      sendAfterPersist: this.#sendAfterPersist,
      restore: this.#restore,
      apply: last.apply,
      readStates: this.#readStates,
      role: last.role,
      snapshotReads: this.#snapshotReads,
      snapshotWrite: this.#snapshotWrite,
      proposed: this.#proposed,
      membershipChange: this.#membershipChange,
    }
    this.#hardState = null
    this.#install = null
    this.#truncateFrom = null
    this.#entries = []
    this.#send = []
    this.#sendAfterPersist = []
    this.#readStates = []
    this.#snapshotReads = []
    this.#restore = null
    this.#snapshotWrite = null
    this.#proposed = null
    this.#membershipChange = null
    return effects
  }

  #persist(id: number): Persist {
    return { id, hardState: this.#hardState, install: this.#install, truncateFrom: this.#truncateFrom, entries: this.#entries }
  }
}
