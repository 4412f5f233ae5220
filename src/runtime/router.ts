import { assert } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { Clock } from '#ports/clock.ts'
import { encodeCommand } from '#wire/command.ts'
import { wireLimits } from '#wire/limits.ts'
import type { ProposalOutcome, RefusalCode } from '#wire/peer-message.ts'
import { unpackValue } from '#wire/value.ts'
import { Deadlines } from './deadlines.ts'
import type { ReplicaHost } from './host.ts'
import { runtimeLimits } from './limits.ts'
import { Origin } from './origin.ts'
import { refusedProposal, unknownOutcome } from './proposals.ts'
import type { Routes } from './routes.ts'

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
  readonly #deadlines: Deadlines<Submitted>
  #stopped = false

  constructor(host: ReplicaHost, ports: { readonly clock: Clock; readonly prng: Prng }, routes: Routes) {
    this.#host = host
    this.#clock = ports.clock
    this.#prng = ports.prng
    this.#routes = routes
    this.#deadlines = new Deadlines({ clock: ports.clock, post: (task) => host.post(task) }, (command) => {
      this.#end(command, command.doubtful || command.underWay ? unknownOutcome : refusedProposal('not-leader'))
    })
  }

  /** Ends with the answer, with a refusal (certainly not carried out), or as unknown when the time is over. */
  submit(group: number, body: Uint8Array, options: SubmitOptions): void {
    const refusal = this.#refusal(body)
    if (refusal !== null) {
      options.done(refusedProposal(refusal))
      return
    }
    const lane = this.#lane(group)
    const deadline = millis(this.#clock.now() + options.timeoutMs)
    const { done } = options
    const command: Submitted = { lane, body, deadline, done, sequence: 0, origin: null, doubtful: false, underWay: false }
    this.#deadlines.add(command)
    lane.waiting.push(command)
    this.#schedule(lane)
  }

  /** The leader of the group is known now: what rests may go at once. */
  wake(group: number): void {
    const lane = this.#lanes.get(group)
    if (lane?.resting !== true) return
    lane.resting = false
    this.#schedule(lane)
  }

  /** Whoever still waits is answered. */
  stop(): void {
    this.#stopped = true
    for (const command of this.#deadlines.drain()) {
      this.#end(command, command.doubtful || command.underWay ? unknownOutcome : refusedProposal('stopping'))
    }
  }

  #refusal(body: Uint8Array): RefusalCode | null {
    if (this.#stopped) return 'stopping'
    if (body.length > runtimeLimits.commandBytesMax) return 'invalid'
    return this.#deadlines.size >= runtimeLimits.openProposalsMax ? 'overloaded' : null
  }

  #schedule(lane: Lane): void {
    if (lane.scheduled) return
    lane.scheduled = true
    this.#host.post(() => {
      lane.scheduled = false
      this.#pump(lane)
    })
  }

  /** Sends what waits, in as few messages as may be. */
  #pump(lane: Lane): void {
    const { now } = this.#host.instant()
    const waiting = lane.waiting.filter((command) => this.#deadlines.has(command))
    lane.waiting = waiting
    if (waiting.length === 0 || lane.resting) return
    const { origin } = lane
    if (origin === null || !origin.fresh(now)) {
      this.#openOrigin(lane)
      return
    }
    lane.waiting = []
    for (const command of waiting) {
      command.underWay = true
      if (command.origin !== null) continue
      command.origin = origin
      command.sequence = origin.begin()
    }
    for (const batch of batches(waiting)) {
      this.#routes.propose(lane.group, batch.map(encode), (outcomes) => this.#answered(lane, batch, outcomes))
    }
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
        this.#rest(lane)
      }
    })
  }

  #answered(lane: Lane, batch: readonly Submitted[], outcomes: readonly ProposalOutcome[]): void {
    const waitingBefore = lane.waiting.length
    batch.forEach((command, position) => {
      if (this.#deadlines.has(command)) this.#settle(command, outcomes[position] ?? unknownOutcome)
    })
    if (lane.waiting.length > waitingBefore) this.#rest(lane)
  }

  #settle(command: Submitted, outcome: ProposalOutcome): void {
    const { lane } = command
    command.underWay = false
    if (outcome.type === 'applied') {
      this.#end(command, outcome)
      return
    }
    if (outcome.type === 'unknown') command.doubtful = true
    const code = outcome.type === 'refused' ? outcome.code : null
    if (code === 'overloaded' || (code === 'session-lost' && command.doubtful)) {
      this.#end(command, command.doubtful ? unknownOutcome : outcome)
      return
    }
    if (code === 'session-lost') {
      if (lane.origin === command.origin) lane.origin = null
      command.origin?.end(command.sequence)
      command.origin = null
    }
    lane.waiting.push(command)
  }

  /** Whether it waited here or was on its way. */
  #end(command: Submitted, outcome: ProposalOutcome): void {
    this.#deadlines.delete(command)
    command.origin?.end(command.sequence)
    command.done(outcome)
  }

  /** Whatever comes meanwhile waits too: it would only carry everything else along to a node that has just refused it. */
  #rest(lane: Lane): void {
    if (lane.resting) return
    lane.resting = true
    this.#later(() => {
      lane.resting = false
      this.#schedule(lane)
    })
  }

  /** Spread over time, so that those who wait for an election do not all come back at once. */
  #later(call: () => void): void {
    this.#clock.after(this.#prng.between(10, 50), () => this.#host.post(call))
  }

  #lane(group: number): Lane {
    const known = this.#lanes.get(group)
    if (known !== undefined) return known
    const lane: Lane = { group, origin: null, opening: false, waiting: [], scheduled: false, resting: false }
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
  /** What is to be sent, and perhaps commands that have ended meanwhile. */
  waiting: Submitted[]
  scheduled: boolean
  /** Refused a moment ago. */
  resting: boolean
}

interface Submitted {
  readonly lane: Lane
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

/** As many commands as one message may hold, in order. */
function batches(commands: readonly Submitted[]): readonly (readonly Submitted[])[] {
  const all: Submitted[][] = []
  let bytes = 0
  for (const command of commands) {
    const last = all.at(-1)
    bytes += command.body.length
    if (last === undefined || last.length >= wireLimits.commandsMax || bytes > runtimeLimits.proposeBytesMax) {
      all.push([command])
      bytes = command.body.length
    } else {
      last.push(command)
    }
  }
  return all
}
