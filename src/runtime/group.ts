import { assert, present } from '#base/assert.ts'
import { Raft } from '#core/raft/raft.ts'
import type { ReplicaOptions } from '#core/raft/replica.ts'
import type { Effects, Entry, Input, LogIndex, MembershipOutcome, Message, ProposeOutcome, ReplicaId } from '#core/raft/types.ts'
import { emptyWrite } from '#ports/log-store.ts'
import type { StoredGroup } from '#ports/log-store.ts'
import type { GroupStatus, ProposalOutcome } from '#wire/peer-message.ts'
import { Applier } from './applier.ts'
import { BodyFetch } from './body-fetch.ts'
import type { GroupHost } from './group-host.ts'
import { runtimeLimits } from './limits.ts'
import type { CompactionPolicy } from './limits.ts'
import type { ProposalBatch } from './proposals.ts'
import { Proposals, refusedProposal } from './proposals.ts'
import type { Applied, ReplicatedMachine } from './replicated-machine.ts'
import { RoundTimer } from './round-timer.ts'
import { Snapshots } from './snapshots.ts'

export interface GroupOptions {
  readonly id: number
  readonly replica: ReplicaOptions
  readonly machine: ReplicatedMachine
  readonly compaction: CompactionPolicy
  /** How far bodies for a snapshot had been fetched before a restart. */
  readonly fetchedBodies: StoredGroup['bodies']
  /** The machine has moved on, by entries or by a snapshot. */
  readonly onAdvanced: () => void
}

/**
 * One replica at work: carries out the effects of its Raft core, feeds its machine, and answers those who wait.
 * All calls come from the host's loop; nothing here is re-entered while a step is being carried out, but for answers to waiters, which
 * may at most post new work.
 */
export class Group {
  readonly id: number
  readonly raft: Raft
  readonly applier: Applier
  /** Changes when the group is closed, so that late answers of the store are dropped. */
  epoch = 0
  readonly #host: GroupHost
  readonly #proposals = new Proposals()
  readonly #round = new RoundTimer()
  readonly #snapshots: Snapshots
  readonly #bodies: BodyFetch
  #nextReadId = 1
  #waitingReads: ReadDone[] = []
  readonly #openReads = new Map<number, ReadDone>()

  constructor(options: GroupOptions, host: GroupHost) {
    this.id = options.id
    this.#host = host
    this.raft = new Raft(options.replica)
    this.applier = new Applier(options.machine, {
      applied: (entry, applied) => this.#applied(entry, applied),
      advanced: options.onAdvanced,
    })
    this.#snapshots = new Snapshots(this, host, { policy: options.compaction, named: () => this.#bodies.forget() })
    this.#bodies = new BodyFetch(this, host, options.fetchedBodies)
    const { snapshot } = options.replica.log
    if (snapshot !== null) this.#snapshots.restore(snapshot)
  }

  step(input: Input): void {
    this.#perform(this.raft.step(input, this.#host.instant()))
  }

  /** Proposes at the end of the turn, together with everybody else's commands; each has exactly one outcome. */
  propose(batch: ProposalBatch): void {
    assert(batch.commands.length > 0, 'a batch has commands')
    if (this.#proposals.open >= runtimeLimits.openProposalsMax) {
      refuse(batch, 'overloaded', this.raft.leader)
      return
    }
    this.#proposals.add(batch)
    this.#host.dirty(this.id)
  }

  /** An index that makes a read linearizable once it is applied, or null when this replica cannot say. */
  readIndex(done: ReadDone): void {
    if (this.#openReads.size + this.#waitingReads.length >= runtimeLimits.openReadsMax) {
      done(null)
      return
    }
    this.#waitingReads.push(done)
    this.#host.dirty(this.id)
  }

  changeMembership(change: Omit<Extract<Input, { type: 'change-membership' }>, 'type'>): MembershipOutcome {
    const effects = this.raft.step({ type: 'change-membership', ...change }, this.#host.instant())
    this.#perform(effects)
    return present(effects.membershipChange, 'a change of membership has an outcome')
  }

  /** Everything that was asked for during the turn goes to Raft in one step each. */
  flush(): void {
    if (this.#proposals.waiting > 0) this.#proposeWaiting()
    if (this.#waitingReads.length > 0) this.#readWaiting()
  }

  get openProposals(): number {
    return this.#proposals.open
  }

  status(): GroupStatus {
    const { raft } = this
    return {
      replica: raft.self,
      role: raft.role,
      term: raft.term,
      leader: raft.leader,
      commit: raft.commit,
      applied: this.applier.last.index,
      membership: raft.membership,
      membershipIndex: raft.membershipIndex,
      caughtUp: raft.caughtUpLearners(),
      reachable: raft.reachableMembers(),
    }
  }

  takeSnapshot(): void {
    this.#snapshots.take()
  }

  /** Every open question gets its answer; nothing is done after this. */
  close(): void {
    this.epoch++
    this.#snapshots.close()
    this.#bodies.stop()
    this.applier.close()
    this.#proposals.abandon()
    for (const batch of this.#proposals.takeWaiting()) refuse(batch, 'stopping')
    for (const done of [...this.#openReads.values(), ...this.#waitingReads]) done(null)
    this.#openReads.clear()
    this.#waitingReads = []
  }

  #applied(entry: Entry, applied: Applied): void {
    this.#proposals.applied(entry, applied)
    const tookMs = this.#round.applied(entry.index, () => this.#host.instant().now)
    if (tookMs !== null) this.#host.telemetry.observe('lockstep_consensus_round_seconds', { group: String(this.id) }, tookMs / 1_000)
  }

  #proposeWaiting(): void {
    const batches = this.#proposals.takeWaiting()
    const { term } = this.raft
    const commands = batches.flatMap((batch) => batch.commands)
    const effects = this.raft.step({ type: 'propose', term, commands }, this.#host.instant())
    const outcome: ProposeOutcome = present(effects.proposed, 'a proposal has an outcome')
    if (outcome.type === 'accepted') {
      this.#proposals.opened(batches, outcome.firstIndex, outcome.term)
      this.#round.began(outcome.firstIndex, this.#host.instant().now)
    } else for (const batch of batches) refuse(batch, outcome.reason, this.raft.leader)
    this.#perform(effects)
  }

  #readWaiting(): void {
    const ids = this.#waitingReads.map((done) => {
      this.#openReads.set(this.#nextReadId, done)
      return this.#nextReadId++
    })
    this.#waitingReads = []
    this.step({ type: 'read', ids })
  }

  /** The order matters: what was committed is applied before a lost leadership abandons its proposals. */
  #perform(effects: Effects): void {
    const { persist } = effects
    for (const message of effects.send) this.#host.send(this.id, message)
    if (persist !== null) this.#persist(persist)
    if (effects.sendAfterPersist.length > 0) this.#sendAfterWrites(effects.sendAfterPersist)
    if (effects.snapshotWrite !== null) this.#writeSnapshot(effects.snapshotWrite)
    for (const read of effects.snapshotReads) this.#snapshots.read(read)
    if (effects.restore !== null) this.#snapshots.restore(effects.restore)
    if (effects.apply.length > 0) this.#apply(effects.apply)
    for (const { id, index } of effects.readStates) this.#answerRead(id, index)
    if (effects.role !== null) {
      this.applier.applyQueued()
      if (effects.role.role !== 'leader') {
        this.#proposals.abandon()
        this.#round.abandon()
      }
      if (effects.role.role === 'halted') this.applier.close()
      this.#host.roleChanged(this.id, effects.role)
    }
  }

  /** Nobody waits for what a follower applies, and its leader waits for the acknowledgement that follows: that goes first. */
  #apply(entries: readonly Entry[]): void {
    this.applier.enqueue(entries)
    if (this.raft.role === 'leader') this.#advance()
    else this.#advanceLate()
  }

  #advance(): void {
    this.applier.applyQueued()
    this.#snapshots.takeIfDue()
  }

  /** After the turn in which a quick disk answers what this one writes. */
  #advanceLate(): void {
    const { epoch } = this
    this.#host.post(() => {
      this.#host.post(() => {
        if (this.epoch === epoch) this.#advance()
      })
    })
  }

  #sendAfterWrites(messages: readonly Message[]): void {
    const { epoch } = this
    this.#host.afterWrites(() => {
      if (this.epoch === epoch) for (const message of messages) this.#host.send(this.id, message)
    })
  }

  #persist(persist: NonNullable<Effects['persist']>): void {
    const { id, hardState, install, truncateFrom, entries } = persist
    const { epoch } = this
    if (install !== null) {
      this.#bodies.forget()
      this.#snapshots.overtaken()
    }
    this.#host.write({ ...emptyWrite(this.id), hardState, install, truncateFrom, entries }, () => {
      if (this.epoch === epoch) this.step({ type: 'persisted', id })
    })
  }

  #writeSnapshot(write: NonNullable<Effects['snapshotWrite']>): void {
    this.#snapshots.abandon()
    this.#bodies.stop()
    const { snapshot, offset, bytes, last } = write
    const { epoch } = this
    const snapshotChunk = { index: snapshot.index, term: snapshot.term, offset, bytes }
    const written = (): void => this.step({ type: 'snapshot-written', index: snapshot.index, offset: offset + bytes.length, last })
    this.#host.write({ ...emptyWrite(this.id), snapshotChunk }, () => {
      if (this.epoch !== epoch) return
      if (last) this.#bodies.begin(snapshot, written)
      else written()
    })
  }

  #answerRead(id: number, index: LogIndex | null): void {
    const done = this.#openReads.get(id)
    this.#openReads.delete(id)
    done?.(index)
  }
}

type ReadDone = (index: LogIndex | null) => void

function refuse(batch: ProposalBatch, code: Extract<ProposalOutcome, { type: 'refused' }>['code'], leader: ReplicaId | null = null): void {
  batch.done(batch.commands.map(() => ({ ...refusedProposal(code), leader }) as ProposalOutcome))
}
