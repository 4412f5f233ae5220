import type { Prng } from '#base/prng.ts'
import { millis } from '#base/brand.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { noLeader, overloaded, stopping, unavailable, unknownOutcome } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import type { ServiceFault } from '#api/locks/lock-api.ts'
import { decodeAnswer, encodeCommand } from '#core/lock/command-codec.ts'
import type { LockAnswer, LockCommand } from '#core/lock/types.ts'
import type { LogIndex, Term } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { LockstepNode } from '#runtime/node.ts'
import type { ProposalOutcome, RefusalCode } from '#wire/peer-message.ts'
import { lockGroup, serviceLimits } from './limits.ts'
import { decodePeerAnswer, encodePeerQuestion } from './peer-questions.ts'
import type { PeerAnswer, PeerQuestion } from './peer-questions.ts'

export type Answered = Result<LockAnswer, Fault<ServiceFault>>
type Forwarded = Result<Uint8Array, Fault<ServiceFault>>

/** `silent`: somebody was asked who may have acted on it and did not say so. `nobody`: nobody could. */
export type Asked = Exclude<PeerAnswer, { type: 'elsewhere' }> | { readonly type: 'silent' } | { readonly type: 'nobody' }

/** The way of commands and questions to the replicas of the lock slot, wherever they are. */
export class LockSlot {
  readonly #node: () => LockstepNode
  readonly #clock: Clock
  readonly #prng: Prng

  constructor(ports: { readonly node: () => LockstepNode; readonly clock: Clock; readonly prng: Prng }) {
    this.#node = ports.node
    this.#clock = ports.clock
    this.#prng = ports.prng
  }

  get hasReplica(): boolean {
    return this.#node().host?.groups.has(lockGroup) === true
  }

  /** The replica here leads: what is committed is known here first. */
  get leadsHere(): boolean {
    return this.#node().leadership(lockGroup) !== null
  }

  submit(command: LockCommand, done: (answered: Answered) => void): void {
    this.forward(encodeCommand(command), (forwarded) => done(forwarded.ok ? ok(decoded(forwarded.value)) : forwarded))
  }

  /** A command and its answer as bytes. */
  forward(command: Uint8Array, done: (forwarded: Forwarded) => void): void {
    this.#node().submit(lockGroup, command, { timeoutMs: serviceLimits.answerMs, done: (outcome) => done(forwardedOf(outcome)) })
  }

  /** Everything that was answered until now is in the log up to there; null when that could not be found out. */
  readIndex(done: (index: number | null) => void, timeoutMs: number): void {
    this.#node().readIndex(lockGroup, { timeoutMs, done })
  }

  /** How far the log of the own replica goes; null without one. */
  get logEnd(): LogEnd | null {
    const raft = this.#node().host?.groups.get(lockGroup)?.raft
    const term = raft?.termAt(raft.lastIndex) ?? null
    return raft === undefined || term === null ? null : { index: raft.lastIndex, term, commit: raft.commit }
  }

  /** Up to where the log that was has become part of the log for good, as far as the own replica knows. */
  keptOf({ index, term, commit }: LogEnd): number {
    const raft = this.#node().host?.groups.get(lockGroup)?.raft
    return raft !== undefined && raft.commit >= index && raft.termAt(index) === term ? index : commit
  }

  /** The own replica, linearizably; null when that could not be done in time. */
  query(question: Uint8Array, done: (view: Uint8Array | null) => void): void {
    this.#node().query(lockGroup, question, { timeoutMs: serviceLimits.answerMs, done })
  }

  askLeader(question: PeerQuestion, done: (asked: Asked) => void, timeoutMs: number = serviceLimits.answerMs): void {
    this.#ask(question, { timeoutMs, perAskMs: serviceLimits.askMs, ofLeader: true, done })
  }

  /** What the leader may answer only after a while. */
  waitAtLeader(question: PeerQuestion, done: (asked: Asked) => void, perAskMs: number): void {
    this.#ask(question, { timeoutMs: perAskMs, perAskMs, ofLeader: true, done })
  }

  /** Another node that has a replica, for one that has none. */
  askMember(question: PeerQuestion, done: (asked: Asked) => void, perAskMs: number): void {
    this.#ask(question, { timeoutMs: perAskMs, perAskMs, ofLeader: false, done })
  }

  #ask(question: PeerQuestion, { timeoutMs, perAskMs, ofLeader, done }: Asking): void {
    const deadline = millis(this.#clock.now() + timeoutMs)
    const bytes = encodePeerQuestion(question)
    let silent = false
    const attempt = (hint: string | null): void => {
      const leftMs = deadline - this.#clock.now()
      const target = hint ?? this.#target(ofLeader)
      if (leftMs <= 0) done({ type: silent ? 'silent' : 'nobody' })
      else if (target === null) this.#later(() => attempt(null))
      else this.#node().ask(target, lockGroup, bytes, { timeoutMs: Math.min(perAskMs, leftMs), done: answered })
    }
    const answered = (bytesOfAnswer: Uint8Array | null): void => {
      const answer = bytesOfAnswer === null ? null : decodePeerAnswer(bytesOfAnswer)
      silent ||= answer === null
      if (answer === null || answer.type === 'elsewhere') this.#later(() => attempt(answer?.leader ?? null))
      else done(answer)
    }
    attempt(null)
  }

  #target(ofLeader: boolean): string | null {
    const node = this.#node()
    if (ofLeader && this.hasReplica) return node.leaderOf(lockGroup)
    const others = node.nodesOf(lockGroup)
    return others.length === 0 ? null : this.#prng.pick(others)
  }

  #later(call: () => void): void {
    this.#clock.after(serviceLimits.restMs, call)
  }
}

/** An index and its term name all entries up to there. */
export interface LogEnd {
  readonly index: LogIndex
  readonly term: Term
  readonly commit: LogIndex
}

interface Asking {
  readonly timeoutMs: number
  readonly perAskMs: number
  readonly ofLeader: boolean
  readonly done: (asked: Asked) => void
}

function decoded(bytes: Uint8Array): LockAnswer {
  const answer = decodeAnswer(bytes)
  if (!answer.ok) throw new Error(`an answer of the lock machine cannot be read: ${answer.error}`)
  return answer.value
}

function forwardedOf(outcome: ProposalOutcome): Forwarded {
  switch (outcome.type) {
    case 'applied':
      return ok(outcome.answer)
    case 'refused':
      return err(faultOfRefusal(outcome.code))
    case 'unknown':
      return err(unknownOutcome())
  }
}

/** In all of these cases nothing was carried out. */
function faultOfRefusal(code: RefusalCode): Fault<ServiceFault> {
  switch (code) {
    case 'overloaded':
      return overloaded('this node has as many commands under way as it takes')
    case 'stopping':
      return stopping()
    case 'not-formed':
      return unavailable('this node does not belong to a cluster yet')
    case 'halted':
      return unavailable('the store of this node has failed')
    default:
      return noLeader()
  }
}
