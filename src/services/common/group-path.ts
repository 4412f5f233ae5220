import { millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import type { serviceErrors } from '#api/common/errors.ts'
import { noLeader, overloaded, stopping, unavailable, unknownOutcome } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import type { Clock } from '#ports/clock.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import type { ProposalOutcome, RefusalCode } from '#wire/peer-message.ts'
import type { Admission, Way } from './admission.ts'
import { pathLimits } from './limits.ts'

type ServiceFault = (typeof serviceErrors)[number]
export type Forwarded = Result<Uint8Array, Fault<ServiceFault>>

/** Cannot be answered there, or now; the node that is named may know. */
interface Elsewhere {
  readonly type: 'elsewhere'
  readonly leader: string | null
}

/** `silent`: somebody was asked who may have acted on it and did not say so. `nobody`: nobody could. */
export type AskedOf<Answer> = Exclude<Answer, Elsewhere> | { readonly type: 'silent' } | { readonly type: 'nobody' }

export interface GroupPathPorts<Question, Answer> {
  readonly group: number
  readonly node: () => SlotHost
  readonly clock: Clock
  readonly prng: Prng
  readonly admission: Admission
  readonly encode: (question: Question) => Uint8Array
  /** Null for what is no answer. */
  readonly decode: (bytes: Uint8Array) => Answer | Elsewhere | null
}

/** The way of a service's commands and questions to the replicas of one group, wherever they are. */
export class GroupPath<Question, Answer extends { readonly type: string }> {
  readonly #ports: GroupPathPorts<Question, Answer>
  readonly #way: Way

  constructor(ports: GroupPathPorts<Question, Answer>) {
    this.#ports = ports
    this.#way = ports.admission.way()
  }

  /** For new work that is to go to this group; null when it is taken. */
  refusal(): Fault<'overloaded'> | null {
    return this.#way.refusal()
  }

  get hasReplica(): boolean {
    const { node, group } = this.#ports
    return node().appliedIndex(group) !== null
  }

  /** The replica here leads: what is committed is known here first. */
  get leadsHere(): boolean {
    const { node, group } = this.#ports
    return node().leadership(group) !== null
  }

  /** A command, carried out at most once, and its answer. */
  forward(command: Uint8Array, done: (forwarded: Forwarded) => void): void {
    const { node, group } = this.#ports
    const since = this.#way.begin()
    const ended = (outcome: ProposalOutcome): void => {
      this.#way.end(since, outcome.type !== 'refused' && node().leaderOf(group) !== null)
      done(forwardedOf(outcome))
    }
    node().submit(group, command, { timeoutMs: pathLimits.commandMs, done: ended })
  }

  askLeader(question: Question, done: (asked: AskedOf<Answer>) => void, timeoutMs: number = pathLimits.answerMs): void {
    this.#ask(question, { timeoutMs, perAskMs: pathLimits.askMs, ofLeader: true, done })
  }

  /** What the leader may answer only after a while. */
  waitAtLeader(question: Question, done: (asked: AskedOf<Answer>) => void, perAskMs: number): void {
    this.#ask(question, { timeoutMs: perAskMs, perAskMs, ofLeader: true, done })
  }

  /** Another node that has a replica, for one that has none. */
  askMember(question: Question, done: (asked: AskedOf<Answer>) => void, perAskMs: number): void {
    this.#ask(question, { timeoutMs: perAskMs, perAskMs, ofLeader: false, done })
  }

  #ask(question: Question, { timeoutMs, perAskMs, ofLeader, done }: Asking<Answer>): void {
    const { clock, node, group, encode, decode } = this.#ports
    const deadline = millis(clock.now() + timeoutMs)
    const bytes = encode(question)
    let silent = false
    const attempt = (hint: string | null): void => {
      const leftMs = deadline - clock.now()
      const target = hint ?? this.#target(ofLeader)
      if (leftMs <= 0) done({ type: silent ? 'silent' : 'nobody' })
      else if (target === null) this.#later(() => attempt(null))
      else node().ask(target, group, bytes, { timeoutMs: Math.min(perAskMs, leftMs), done: answered })
    }
    const answered = (bytesOfAnswer: Uint8Array | null): void => {
      const answer = bytesOfAnswer === null ? null : decode(bytesOfAnswer)
      silent ||= answer === null
      if (answer === null) this.#later(() => attempt(null))
      else if (isElsewhere(answer)) this.#later(() => attempt(answer.leader))
      else done(answer as Exclude<Answer, Elsewhere>)
    }
    attempt(null)
  }

  #target(ofLeader: boolean): string | null {
    const { group, prng } = this.#ports
    const node = this.#ports.node()
    if (ofLeader && this.hasReplica) return node.leaderOf(group)
    const others = node.nodesOf(group)
    return others.length === 0 ? null : prng.pick(others)
  }

  #later(call: () => void): void {
    this.#ports.clock.after(pathLimits.restMs, call)
  }
}

interface Asking<Answer> {
  readonly timeoutMs: number
  readonly perAskMs: number
  readonly ofLeader: boolean
  readonly done: (asked: AskedOf<Answer>) => void
}

const isElsewhere = (answer: { readonly type: string }): answer is Elsewhere => answer.type === 'elsewhere'

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
