import { present } from '#base/assert.ts'
import { logIndex } from '#core/raft/types.ts'
import type { Term } from '#core/raft/types.ts'
import type { Appended, Batch, Claimed, Ownership, Reply, SlotRecord, Tail } from '#ports/redis-slots.ts'
import { Applier } from '#runtime/applier.ts'
import type { Leadership } from '#runtime/leadership.ts'
import type { ProposalBatch } from '#runtime/proposals.ts'
import { Proposals } from '#runtime/proposals.ts'
import type { RefusalCode } from '#wire/peer-message.ts'
import type { EngineHost } from './engine-host.ts'
import { replicaOf } from './engine-host.ts'
import type { RecentBatches } from './recent-batches.ts'
import { isSameTail } from './recent-batches.ts'
import { SlotLoader } from './slot-loader.ts'
import { SlotSnapshots } from './slot-snapshots.ts'
import { batchOf, machineTimeAt } from './tenure.ts'
import type { Phase, Tenure } from './tenure.ts'
import { refuse, WaitingProposals } from './waiting-proposals.ts'

/**
 * One slot as one node sees it: away, or owned and at work.
 *
 * Problem: what Redis has answered may be gone after a fail-over, and an answer that did not come says nothing.
 * Idea: one batch is under way at a time. It names the end of the log that it belongs behind and the owner's epoch, and is applied here only
 * when it is confirmed. After any doubt (a connection that broke, a confirmation that fell short, a lease that lapsed) the owner first asserts
 * its ownership, then compares the ends of the two logs, appends again what Redis lost, and only then goes on (decisions Q3, Q4).
 * Obstacles: another owner may have been there (its epoch is higher: step down); the log may end with what this owner never wrote, or lack what it
 * does not remember any more (the slot fails, and says so).
 */
export class HostedSlot {
  readonly slot: number
  readonly #host: EngineHost
  #phase: Phase = 'away'
  /** Grows whenever what was begun is of no use any more. */
  #life = 0
  #known: Ownership | null = null
  #tenure: Tenure | null = null
  /** How the log ended when this node was its last owner, in its last epoch. */
  #left: { readonly epoch: Term; readonly tail: Tail } | null = null
  #proposals = new Proposals()
  readonly #waiting = new WaitingProposals()
  #batches = 0
  #inFlight: Batch | null = null
  #leaving: (() => void) | null = null
  #isMarked = false

  constructor(slot: number, host: EngineHost) {
    this.slot = slot
    this.#host = host
  }

  get phase(): Phase {
    return this.#phase
  }
  get applier(): Applier | null {
    return this.#tenure?.applier ?? null
  }
  get isLeaving(): boolean {
    return this.#leaving !== null
  }
  /** The member that owns it, as far as is known. */
  get owner(): string | null {
    return this.#known?.owner ?? null
  }
  get epoch(): Term | null {
    return this.#tenure?.epoch ?? null
  }

  /** The machine here has everything that was ever answered, and nobody else can have answered anything. */
  get isServing(): boolean {
    return this.#phase === 'serving' && this.#host.instant().now < this.#host.leaseUntil
  }

  get leadership(): Leadership | null {
    const tenure = this.#tenure
    if (tenure === null || !this.isServing) return null
    const { now } = this.#host.instant()
    return { term: tenure.epoch, now, leaseUntil: this.#host.leaseUntil, machineTime: machineTimeAt(tenure, now) }
  }

  /** Whom to wait for before the slot is claimed. When Redis has forgotten an owner that was seen, that one may come back and restore what is missing. */
  rightfulOwner({ owner, epoch }: Ownership): string | null {
    return this.#known !== null && epoch < this.#known.epoch ? this.#known.owner : owner
  }

  /** The table says this. */
  observe(record: SlotRecord): void {
    const mine = this.rightfulOwner(record) === this.#host.self && record.owner === this.#host.self
    if (this.#phase === 'failed') {
      this.#observeFailed(record)
    } else if (this.#tenure !== null && record.epoch > this.#tenure.epoch) {
      this.#stepDown(record)
    } else if (this.#phase === 'away') {
      this.#learn(record)
      if (mine && record.failed === null) this.#resume(record)
    }
  }

  claim(expected: Ownership): void {
    if (this.#phase !== 'away') return
    this.#phase = 'claiming'
    this.#host.redis.claim(
      this.slot,
      expected,
      this.#host.self,
      this.#within((reply: Reply<Claimed>) => this.#claimed(reply)),
    )
  }

  /** Once per round, with a lease that has just been renewed, and whenever a session begins. */
  round(): void {
    if (this.#phase === 'serving' && this.#host.instant().now >= this.#host.leaseUntil) this.suspend()
    if (this.#phase === 'suspended' && this.#host.instant().now < this.#host.leaseUntil) this.#assert()
    if (this.#leaving !== null) this.#host.dirty(this.slot)
  }

  /** Nothing is certain any more. */
  suspend(): void {
    if (this.#phase !== 'serving' && this.#phase !== 'asserting') return
    this.#phase = 'suspended'
    this.#life++
  }

  propose(batch: ProposalBatch): void {
    if (this.#phase === 'failed') refuse(batch, 'halted', null)
    else if (this.#phase === 'away') refuse(batch, 'not-leader', this.owner)
    else if (this.#leaving !== null) refuse(batch, 'transferring', null)
    else if (this.#waiting.add(batch, this.#host.instant().now)) this.#host.dirty(this.slot)
    else refuse(batch, 'overloaded', null)
  }

  /** Appends what was proposed, as one batch, unless another one is under way. */
  flush(): void {
    const instant = this.#host.instant()
    if (this.#phase !== 'serving' || this.#inFlight !== null || instant.now >= this.#host.leaseUntil) return
    const tenure = present(this.#tenure, 'who serves owns')
    const batches = this.#waiting.take(instant.now)
    if (batches.length === 0) {
      this.#leaveIfDone()
      return
    }
    const commands = batches.flatMap((batch) => batch.commands)
    const id = `${this.#host.self.replaceAll(/\s/g, '_')}:${tenure.epoch}:${++this.#batches}`
    this.#inFlight = batchOf(tenure, id, commands, instant)
    this.#proposals.opened(batches, logIndex(tenure.recent.tail.index + 1), tenure.epoch)
    this.#append(this.#inFlight, () => this.#host.dirty(this.slot))
  }

  /** Gives the slot up when what is under way is done; `then` is called when that is over, however it ends. */
  release(then: () => void): void {
    if (this.#phase === 'away' || this.#phase === 'failed') {
      then()
      return
    }
    const before = this.#leaving
    this.#leaving = () => {
      before?.()
      then()
    }
    this.#host.dirty(this.slot)
  }

  /** Everybody who waits is answered. */
  close(): void {
    this.#leave('stopping')
  }

  #learn({ owner, epoch }: Ownership): void {
    const before = this.#known
    if (before !== null && (epoch < before.epoch || (before.owner === owner && before.epoch === epoch))) return
    this.#known = { owner, epoch }
    const leader = owner === null ? null : replicaOf(owner)
    this.#host.roleChanged(this.slot, { role: 'follower', term: epoch, leader })
  }

  #claimed(reply: Reply<Claimed>): void {
    this.#phase = 'away'
    if (reply.type !== 'done') return
    const { type, slot } = reply.value
    const isShort = this.#left !== null && slot.epoch <= this.#left.epoch && !isSameTail(slot.tail, this.#left.tail)
    if (type === 'held' && isShort)
      this.#fail(slot, `the log ended at ${this.#left?.tail.index} when this node left it, and ends at ${slot.tail.index}`)
    else if (type === 'held') this.#load(slot)
    else this.#learn(slot)
  }

  /** This node owns it and does not know why: it claimed it, and never heard how that ended. */
  #resume({ owner, epoch }: SlotRecord): void {
    this.#phase = 'claiming'
    this.#host.redis.assertOwner(
      this.slot,
      { owner, epoch },
      this.#within((reply: Reply<Claimed>) => this.#claimed(reply)),
    )
  }

  #load(record: SlotRecord): void {
    const left = this.#left
    if (left !== null && record.epoch <= left.epoch && !isSameTail(record.tail, left.tail)) {
      this.#fail(record, `the log ended at ${left.tail.index} when this node left it, and ends at ${record.tail.index}`)
      return
    }
    this.#phase = 'loading'
    const machine = this.#host.newMachine(this.slot)
    const applier = new Applier(machine, {
      applied: (entry, applied) => this.#proposals.applied(entry, applied),
      advanced: () => this.#host.advanced(this.slot),
    })
    const life = this.#life
    new SlotLoader(this.#host, { slot: this.slot, record, applier }, (loaded) => {
      if (this.#life !== life) return
      if (loaded.type === 'broken') this.#leave('not-leader')
      else if (loaded.type === 'damaged') this.#fail({ owner: record.owner, epoch: record.epoch }, loaded.detail)
      else this.#serve(record, applier, loaded.recent)
    }).start()
  }

  #serve(record: SlotRecord, applier: Applier, recent: RecentBatches): void {
    const { owner, epoch, snapshot, trimmed, tail } = record
    const ownership = { owner, epoch }
    const place = { slot: this.slot, ownership, applier, cut: { snapshot, trimmed } }
    this.#tenure = {
      ownership,
      epoch,
      applier,
      snapshots: new SlotSnapshots(this.#host, place, () => this.suspend()),
      recent,
      loadedAt: { time: applier.last.time, now: this.#host.instant().now },
    }
    this.#phase = 'serving'
    this.#known = ownership
    this.#host.telemetry.log('info', 'slot-taken', { slot: this.slot, epoch, index: tail.index })
    this.#host.roleChanged(this.slot, { role: 'leader', term: epoch, leader: replicaOf(this.#host.self) })
    this.#host.dirty(this.slot)
  }

  #append(batch: Batch, then: () => void): void {
    const { ownership } = present(this.#tenure, 'who appends owns')
    this.#host.redis.append(
      this.slot,
      ownership,
      batch,
      this.#within((reply: Reply<Appended>) => {
        if (reply.type !== 'done') this.suspend()
        else if (reply.value === 'written') {
          if (batch === this.#inFlight) this.#confirmed(batch)
          then()
        } else {
          this.suspend()
          this.round()
        }
      }),
    )
  }

  #confirmed(batch: Batch): void {
    const { recent, applier, snapshots } = present(this.#tenure, 'who appends owns')
    this.#inFlight = null
    recent.add(batch)
    applier.apply(batch.entries)
    snapshots.takeIfDue()
  }

  /** Decision Q3: asserts, compares, appends again what is missing, and goes on. */
  #assert(): void {
    const { ownership } = present(this.#tenure, 'who asserts has owned')
    this.#phase = 'asserting'
    this.#host.redis.assertOwner(
      this.slot,
      ownership,
      this.#within((reply: Reply<Claimed>) => {
        if (reply.type !== 'done') this.suspend()
        else if (reply.value.type === 'lost') this.#stepDown(reply.value.slot)
        else this.#compare(reply.value.slot)
      }),
    )
  }

  #compare({ tail, snapshot, trimmed }: SlotRecord): void {
    const { recent, snapshots, ownership } = present(this.#tenure, 'who compares owns')
    const missing = recent.missingAfter(tail, this.#inFlight)
    if (missing === null) {
      this.#fail(
        ownership,
        `Redis has the log up to ${tail.index} (${tail.batch}), and its owner up to ${recent.tail.index} (${recent.tail.batch})`,
      )
      return
    }
    snapshots.knows({ snapshot, trimmed })
    const lost = missing.filter((batch) => batch !== this.#inFlight)
    if (lost.length > 0) {
      this.#host.telemetry.log('warn', 'entries-restored', { slot: this.slot, from: tail.index + 1, to: recent.tail.index })
    }
    this.#appendAll(missing)
  }

  #appendAll([first, ...rest]: readonly Batch[]): void {
    if (first !== undefined) {
      this.#append(first, () => this.#appendAll(rest))
      return
    }
    this.#phase = 'serving'
    this.#host.dirty(this.slot)
    this.#host.advanced(this.slot)
  }

  /** Somebody else owns the slot, or nobody: what is under way may have been carried out or not. */
  #stepDown(record: SlotRecord): void {
    const { recent, epoch } = present(this.#tenure, 'who steps down has owned')
    const level = record.tail.index < recent.tail.index ? 'error' : 'info'
    this.#host.telemetry.log(level, 'slot-lost', {
      slot: this.slot,
      epoch,
      to: record.owner,
      had: recent.tail.index,
      has: record.tail.index,
    })
    this.#leave('not-leader')
    this.#learn(record)
  }

  #leave(code: RefusalCode): void {
    const leaving = this.#leaving
    this.#life++
    this.#phase = 'away'
    this.#inFlight = null
    this.#leaving = null
    this.#isMarked = false
    if (this.#tenure !== null) this.#left = { epoch: this.#tenure.epoch, tail: this.#tenure.recent.tail }
    this.#tenure?.snapshots.close()
    this.#tenure?.applier.close()
    this.#tenure = null
    this.#proposals.abandon()
    this.#proposals = new Proposals()
    this.#waiting.refuse(code)
    leaving?.()
  }

  #leaveIfDone(): void {
    const tenure = this.#tenure
    if (this.#leaving === null || tenure === null || tenure.snapshots.isBusy) return
    const { ownership } = tenure
    this.#phase = 'claiming'
    this.#host.redis.release(
      this.slot,
      ownership,
      this.#within(() => {
        this.#leave('transferring')
        this.#learn({ owner: null, epoch: ownership.epoch })
      }),
    )
  }

  /** Visibly: nobody serves the slot until a person has looked at it. */
  #fail(ownership: Ownership, reason: string): void {
    this.#leave('halted')
    this.#phase = 'failed'
    this.#host.telemetry.log('error', 'slot-failed', { slot: this.slot, epoch: ownership.epoch, reason })
    this.#host.telemetry.gauge('lockstep_redis_slot_failed', { group: String(this.slot) }, 1)
    this.#host.roleChanged(this.slot, { role: 'halted', term: ownership.epoch, leader: null })
    this.#known = ownership
    this.#mark(ownership, reason)
  }

  #mark(ownership: Ownership, reason: string): void {
    this.#host.redis.fail(
      this.slot,
      ownership,
      reason,
      this.#within(() => {}),
    )
  }

  /** The mark is written until it is seen; when it is gone a person has decided to go on with what Redis has. */
  #observeFailed(record: SlotRecord): void {
    if (record.failed !== null) {
      this.#isMarked = true
    } else if (this.#isMarked || record.owner !== this.#host.self) {
      this.#host.telemetry.gauge('lockstep_redis_slot_failed', { group: String(this.slot) }, 0)
      this.#left = null
      this.#leave('not-leader')
    } else {
      this.#mark(record, 'entries are missing')
    }
  }

  /** Answers are taken in a turn of the loop, and only by who has asked. */
  #within<Value>(call: (reply: Reply<Value>) => void): (reply: Reply<Value>) => void {
    const life = this.#life
    return (reply) => {
      this.#host.post(() => {
        if (this.#life === life) call(reply)
      })
    }
  }
}
