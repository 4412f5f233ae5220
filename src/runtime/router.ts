import { assert } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { LogIndex } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import { encodeCommand } from '#wire/command.ts'
import type { ProposalOutcome } from '#wire/peer-message.ts'
import { unpackValue } from '#wire/value.ts'
import type { ReplicaHost } from './host.ts'
import { runtimeLimits } from './limits.ts'
import { Origin } from './origin.ts'
import { refusedProposal, unknownOutcome } from './proposals.ts'
import { Routes } from './routes.ts'
import type { Directory } from './routes.ts'

/**
 * Takes commands on any node and has each carried out at most once by the leader of its group, wherever that is.
 *
 * Problem: leaders move, answers get lost, and a command that is sent again must not be carried out again.
 * Idea: this node opens an origin in the group (a logged command), numbers its commands under it, and sends a command again under the
 * same number until it has an answer; the group's answer table tells a retry from a new command.
 * Obstacle: an origin ends when it is idle, and its answers with it; a command whose origin is lost is `unknown` if it may have been carried
 * out before, and simply starts anew under another origin if it was not.
 */
export class Router {
  readonly #host: ReplicaHost
  readonly #clock: Clock
  readonly #prng: Prng
  readonly #routes: Routes
  readonly #lanes = new Map<number, Lane>()

  constructor(host: ReplicaHost, ports: { readonly clock: Clock; readonly prng: Prng }, directory: Directory) {
    this.#host = host
    this.#clock = ports.clock
    this.#prng = ports.prng
    this.#routes = new Routes(host, ports.prng, directory)
  }

  /** Ends with the answer, with a refusal (certainly not carried out), or as unknown when the time is over. */
  submit(group: number, body: Uint8Array, options: SubmitOptions): void {
    const lane = this.#lane(group)
    const tooLarge = body.length > runtimeLimits.commandBytesMax
    if (tooLarge || lane.open.size >= runtimeLimits.openProposalsMax) {
      options.done(refusedProposal(tooLarge ? 'invalid' : 'overloaded'))
      return
    }
    const deadline = millis(this.#clock.now() + options.timeoutMs)
    const command: Submitted = { body, deadline, done: options.done, sequence: 0, origin: null, doubtful: false, underWay: false }
    lane.open.add(command)
    lane.waiting.push(command)
    this.#schedule(lane)
    this.#watch(lane, deadline)
  }

  /** An index after which this node's own replica answers linearizably; null when no leader could vouch for one in time. */
  readIndex(group: number, options: { readonly timeoutMs: number; readonly done: (index: LogIndex | null) => void }): void {
    const deadline = this.#clock.now() + options.timeoutMs
    const attempt = (): void => {
      this.#routes.readIndex(group, (index) => {
        if (index !== null || this.#clock.now() >= deadline) options.done(index)
        else this.#later(attempt)
      })
    }
    attempt()
  }

  #schedule(lane: Lane): void {
    if (lane.scheduled) return
    lane.scheduled = true
    this.#host.post(() => {
      lane.scheduled = false
      this.#pump(lane)
    })
  }

  /** Sends what waits, all of it together. */
  #pump(lane: Lane): void {
    const { now } = this.#host.instant()
    const batch = lane.waiting.filter((command) => lane.open.has(command))
    lane.waiting = batch
    if (batch.length === 0) return
    const { origin } = lane
    if (origin === null || !origin.fresh(now)) {
      this.#openOrigin(lane)
      return
    }
    lane.waiting = []
    for (const command of batch) {
      command.underWay = true
      if (command.origin !== null) continue
      command.origin = origin
      command.sequence = origin.begin()
    }
    this.#routes.propose(lane.group, batch.map(encode), (outcomes) => this.#answered(lane, batch, outcomes))
  }

  #openOrigin(lane: Lane): void {
    if (lane.opening) return
    lane.opening = true
    const { now } = this.#host.instant()
    this.#routes.propose(lane.group, [encodeCommand({ type: 'open-origin' })], ([outcome]) => {
      lane.opening = false
      if (outcome?.type === 'applied') {
        lane.origin = new Origin(unpackValue(outcome.answer) as number, now)
        this.#schedule(lane)
      } else {
        this.#later(() => this.#schedule(lane))
      }
    })
  }

  #answered(lane: Lane, batch: readonly Submitted[], outcomes: readonly ProposalOutcome[]): void {
    const waitingBefore = lane.waiting.length
    batch.forEach((command, position) => {
      if (lane.open.has(command)) this.#settle(lane, command, outcomes[position] ?? unknownOutcome)
    })
    if (lane.waiting.length > waitingBefore) this.#later(() => this.#schedule(lane))
  }

  #settle(lane: Lane, command: Submitted, outcome: ProposalOutcome): void {
    command.underWay = false
    if (outcome.type === 'applied') {
      this.#end(lane, command, outcome)
      return
    }
    if (outcome.type === 'unknown') command.doubtful = true
    const code = outcome.type === 'refused' ? outcome.code : null
    if (code === 'overloaded' || (code === 'session-lost' && command.doubtful)) {
      this.#end(lane, command, command.doubtful ? unknownOutcome : outcome)
      return
    }
    if (code === 'session-lost') {
      if (lane.origin === command.origin) lane.origin = null
      command.origin?.end(command.sequence)
      command.origin = null
    }
    lane.waiting.push(command)
  }

  /** Ends what is overdue, whether it waits here or is on its way. */
  #watch(lane: Lane, deadline: Millis): void {
    if (lane.watched) return
    lane.watched = true
    this.#clock.after(Math.max(0, deadline - this.#clock.now()), () => {
      this.#host.post(() => {
        lane.watched = false
        this.#endOverdue(lane)
        let next = Number.POSITIVE_INFINITY
        for (const command of lane.open) next = Math.min(next, command.deadline)
        if (lane.open.size > 0) this.#watch(lane, millis(next))
      })
    })
  }

  #endOverdue(lane: Lane): void {
    const now = this.#clock.now()
    for (const command of lane.open) {
      if (now < command.deadline) continue
      const unknown = command.doubtful || command.underWay
      this.#end(lane, command, unknown ? unknownOutcome : refusedProposal('not-leader'))
    }
  }

  #end(lane: Lane, command: Submitted, outcome: ProposalOutcome): void {
    lane.open.delete(command)
    command.origin?.end(command.sequence)
    command.done(outcome)
  }

  /** Spread over time, so that those who wait for an election do not all come back at once. */
  #later(call: () => void): void {
    this.#clock.after(this.#prng.between(10, 50), () => this.#host.post(call))
  }

  #lane(group: number): Lane {
    const known = this.#lanes.get(group)
    if (known !== undefined) return known
    const lane: Lane = { group, origin: null, opening: false, waiting: [], open: new Set(), scheduled: false, watched: false }
    this.#lanes.set(group, lane)
    return lane
  }
}

export interface SubmitOptions {
  readonly timeoutMs: number
  readonly done: (outcome: ProposalOutcome) => void
}

/** Commands of one group that this node has taken. */
interface Lane {
  readonly group: number
  origin: Origin | null
  opening: boolean
  waiting: Submitted[]
  readonly open: Set<Submitted>
  scheduled: boolean
  watched: boolean
}

interface Submitted {
  readonly body: Uint8Array
  readonly deadline: Millis
  readonly done: (outcome: ProposalOutcome) => void
  origin: Origin | null
  sequence: number
  underWay: boolean
  /** An earlier attempt ended without an answer: it may have been carried out, or may yet be. */
  doubtful: boolean
}

function encode({ origin, sequence, body }: Submitted): Uint8Array {
  assert(origin !== null, 'a command is numbered before it is sent')
  return encodeCommand({ type: 'identified', origin: origin.id, sequence, confirmed: origin.confirmed, body })
}
