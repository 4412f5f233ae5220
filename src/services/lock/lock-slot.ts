import type { Prng } from '#base/prng.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { diskFull } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import type { ServiceFault } from '#api/locks/lock-api.ts'
import { decodeAnswer, encodeCommand } from '#core/lock/command-codec.ts'
import type { LockAnswer, LockCommand, OpenSession } from '#core/lock/types.ts'
import type { LogIndex, Term } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { LockstepNode } from '#runtime/node.ts'
import type { Admission } from '#services/common/admission.ts'
import type { AskedOf } from '#services/common/group-path.ts'
import { GroupPath } from '#services/common/group-path.ts'
import { pathLimits } from '#services/common/limits.ts'
import { lockGroup } from './limits.ts'
import { decodePeerAnswer, encodePeerQuestion } from './peer-questions.ts'
import type { PeerAnswer, PeerQuestion } from './peer-questions.ts'

export type Answered = Result<LockAnswer, Fault<ServiceFault>>
export type Asked = AskedOf<PeerAnswer>

export interface LockSlotPorts {
  readonly node: () => LockstepNode
  readonly clock: Clock
  readonly prng: Prng
  readonly admission: Admission
  /** Whether the disk has room: without it nobody is granted anything. */
  readonly hasRoom: () => boolean
}

/** The lock slot, as it is reached from this node. */
export class LockSlot extends GroupPath<PeerQuestion, PeerAnswer> {
  readonly #node: () => LockstepNode
  readonly #hasRoom: () => boolean

  constructor(ports: LockSlotPorts) {
    super({ ...ports, group: lockGroup, encode: encodePeerQuestion, decode: decodePeerAnswer })
    this.#node = ports.node
    this.#hasRoom = ports.hasRoom
  }

  submit(command: LockCommand, done: (answered: Answered) => void): void {
    const fault = this.refusalOf(command)
    if (fault !== null) return queueMicrotask(() => done(err(fault)))
    this.forward(encodeCommand(command.type === 'open-session' ? this.lasting(command) : command), (forwarded) =>
      done(forwarded.ok ? ok(decoded(forwarded.value)) : forwarded),
    )
  }

  /** Why it is not taken now; null when it is. */
  refusalOf(command: LockCommand): Fault<'disk_full' | 'overloaded'> | null {
    if (!isNewWork(command)) return null
    return command.type === 'acquire' && !this.#hasRoom() ? diskFull() : this.refusal()
  }

  /**
   * Decision L9: a session outlives a change of the leader, so it lives for four of the longest election time-outs at least. Those are the
   * cluster's, and may change, so the machine does not know them; what is in the log is the same for every replica.
   */
  lasting(command: OpenSession): OpenSession {
    const { electionMaxMs = 0 } = this.#node().cluster?.constants.timing ?? {}
    return { ...command, ttlMs: Math.max(command.ttlMs, 4 * electionMaxMs) }
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
    this.#node().query(lockGroup, question, { timeoutMs: pathLimits.answerMs, done })
  }
}

/** An index and its term name all entries up to there. */
export interface LogEnd {
  readonly index: LogIndex
  readonly term: Term
  readonly commit: LogIndex
}

function decoded(bytes: Uint8Array): LockAnswer {
  const answer = decodeAnswer(bytes)
  if (!answer.ok) throw new Error(`an answer of the lock machine cannot be read: ${answer.error}`)
  return answer.value
}

/** All else keeps or gives back what somebody has, or is a node's own. */
export const isNewWork = ({ type }: LockCommand): boolean => type === 'acquire' || type === 'open-session'
