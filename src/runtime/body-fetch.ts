import type { LogIndex, ReplicaId, SnapshotMeta } from '#core/raft/types.ts'
import { emptyWrite } from '#ports/log-store.ts'
import type { StoredGroup } from '#ports/log-store.ts'
import type { PeerResponse } from '#wire/peer-message.ts'
import type { Group } from './group.ts'
import type { GroupHost } from './group-host.ts'
import { runtimeLimits as limits } from './limits.ts'
import { nodeNameOf } from './replica-name.ts'

/**
 * Fetches the bodies that a received snapshot refers to, before it is installed (decision Q1).
 *
 * Problem: a snapshot holds no bodies. A replica that took its place with the snapshot alone would be counted for what it does not have, and
 * those that have it could be removed, or lost.
 * Idea: the last chunk of a snapshot is not reported to Raft as written before all bodies are durable. So the log stays as it was: the replica reports
 * no match beyond it, is no learner that has caught up, and can win no election that it could not have won before.
 * How: question by question, each from where the last answer ended, the next one only when that is durable. What this replica has committed
 * it has with all bodies, so only what comes after is fetched; and what was fetched counts for any later snapshot, of any leader, also after a
 * restart.
 */
export class BodyFetch {
  readonly #group: Group
  readonly #host: GroupHost
  /** What the store has, or is about to write. */
  #fetched: StoredGroup['bodies']
  #wanted: Wanted | null = null

  constructor(group: Group, host: GroupHost, fetched: StoredGroup['bodies']) {
    this.#group = group
    this.#host = host
    this.#fetched = fetched
  }

  /** Calls when nothing is missing any more, or the log itself has got there. */
  begin(snapshot: SnapshotMeta, done: () => void): void {
    this.#wanted = { snapshot, done, asked: 0 }
    this.#goOn(this.#wanted)
  }

  stop(): void {
    this.#wanted = null
  }

  /** The store has put to use what was fetched, or given it up. */
  forget(): void {
    this.#fetched = null
  }

  #goOn(wanted: Wanted): void {
    if (this.#wanted !== wanted) return
    const { raft, applier } = this.#group
    const isNeeded = applier.machine.machine.bodies !== null && raft.receivingSnapshot
    if (isNeeded && this.#after < wanted.snapshot.index) {
      this.#ask(wanted)
      return
    }
    this.#wanted = null
    wanted.done()
  }

  /** Everything up to here is in the log, or fetched. */
  get #after(): LogIndex {
    const { commit } = this.#group.raft
    return this.#fetched !== null && this.#fetched.upTo >= commit ? this.#fetched.upTo : commit
  }

  #ask(wanted: Wanted): void {
    const after = this.#after
    const source = this.#sourceFor(wanted)
    const request = { type: 'bodies', group: this.#group.id, after, upTo: wanted.snapshot.index } as const
    const done = (response: PeerResponse | null): void => {
      if (this.#wanted !== wanted) return
      if (response?.type === 'bodies') this.#write(wanted, after, response)
      else this.#askLater(wanted)
    }
    if (source === null) this.#askLater(wanted)
    else this.#host.ask(nodeNameOf(source), request, { timeoutMs: limits.bodiesTimeoutMs, done })
  }

  /** The leader first, then whoever else has voted on what the snapshot stands for. */
  #sourceFor({ snapshot, asked }: Wanted): ReplicaId | null {
    const { leader, self } = this.#group.raft
    const known = new Set([...(leader === null ? [] : [leader]), ...snapshot.membership.voters])
    known.delete(self)
    return [...known][asked % Math.max(known.size, 1)] ?? null
  }

  #askLater(wanted: Wanted): void {
    wanted.asked++
    if (wanted.asked % limits.bodiesWarnEvery === 0) {
      this.#host.telemetry.log('warn', 'bodies-not-fetched', { group: this.#group.id, after: this.#after, upTo: wanted.snapshot.index })
    }
    this.#host.after(limits.bodiesRestMs, () => this.#goOn(wanted))
  }

  /** What is asked next follows what is written now, whatever becomes of this snapshot: writes are durable in order. */
  #write(wanted: Wanted, after: LogIndex, { upTo, entries }: Extract<PeerResponse, { type: 'bodies' }>): void {
    const anew = this.#fetched?.upTo !== after
    this.#fetched = { after: anew ? after : (this.#fetched?.after ?? after), upTo }
    const { id, epoch } = this.#group
    this.#host.write({ ...emptyWrite(id), bodies: { anew, after, upTo, entries } }, () => {
      if (this.#group.epoch === epoch) this.#goOn(wanted)
    })
  }
}

interface Wanted {
  readonly snapshot: SnapshotMeta
  readonly done: () => void
  /** How often nobody answered. */
  asked: number
}
