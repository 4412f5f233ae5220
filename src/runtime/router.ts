import { assert, present, unreachable } from '#base/assert.ts'
import { millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { Clock } from '#ports/clock.ts'
import { encodeCommand } from '#wire/command.ts'
import { readParts } from '#wire/parts.ts'
import type { ProposalOutcome, RefusalCode } from '#wire/peer-message.ts'
import { unpackValue } from '#wire/value.ts'
import { Deadlines } from './deadlines.ts'
import type { ReplicaHost } from './host.ts'
import { runtimeLimits } from './limits.ts'
import { Origin } from './origin.ts'
import type { Lane, Parcel, Submitted } from './parcel.ts'
import { pack } from './parcel.ts'
import { refusedProposal, unknownOutcome } from './proposals.ts'
import type { Routes } from './routes.ts'

/**
 * Takes commands on any node and has each carried out at most once by the leader of its group, wherever that is.
 *
 * Problem: leaders move, answers get lost, and a command that is sent again must not be carried out again.
 * Idea: this node opens an origin in the group (a logged command), packs what it has taken in one turn into parcels, numbers them under the
 * origin, and sends a parcel again under the same number until it has an answer; the group's answer table tells a retry from a new one.
 * Obstacle: an origin ends when it is idle, and its answers with it; a command whose origin is lost is `unknown` if it may have been carried
 * out before, and simply starts anew under another origin if it was not.
 */
export class Router {
  readonly #host: Pick<ReplicaHost, 'post' | 'instant'>
  readonly #clock: Clock
  readonly #prng: Prng
  readonly #routes: Pick<Routes, 'propose'>
  readonly #lanes = new Map<number, Lane>()
  readonly #deadlines: Deadlines<Submitted>
  #stopped = false

  constructor(
    host: Pick<ReplicaHost, 'post' | 'instant'>,
    ports: { readonly clock: Clock; readonly prng: Prng },
    routes: Pick<Routes, 'propose'>,
  ) {
    this.#host = host
    this.#clock = ports.clock
    this.#prng = ports.prng
    this.#routes = routes
    this.#deadlines = new Deadlines({ clock: ports.clock, post: (task) => host.post(task) }, (command) => {
      this.#giveUp(command, 'not-leader')
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
    const command: Submitted = { lane, body, deadline, done: options.done, parcel: null }
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
    for (const command of this.#deadlines.drain()) this.#giveUp(command, 'stopping')
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

  /** Sends what waits, in as few parcels as may be. */
  #pump(lane: Lane): void {
    const waiting = lane.waiting.filter((command) => this.#deadlines.has(command))
    lane.waiting = waiting
    lane.doubtful = lane.doubtful.filter(({ isAwaited }) => isAwaited)
    if (lane.resting || waiting.length + lane.doubtful.length === 0) return
    const { origin, doubtful } = lane
    lane.doubtful = []
    this.#send(lane, doubtful)
    if (waiting.length > 0 && origin?.fresh(this.#host.instant().now) !== true) this.#openOrigin(lane)
    else if (origin !== null) {
      lane.waiting = []
      this.#send(lane, pack(waiting, origin))
    }
  }

  #send(lane: Lane, parcels: readonly Parcel[]): void {
    for (const parcel of parcels) {
      this.#routes.propose(lane.group, [parcel.encode()], ([outcome]) => this.#settle(lane, parcel, outcome ?? unknownOutcome))
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

  #settle(lane: Lane, parcel: Parcel, outcome: ProposalOutcome): void {
    switch (outcome.type) {
      case 'applied':
        return this.#applied(parcel, outcome)
      case 'unknown':
        parcel.doubtful = true
        break
      case 'refused':
        if (outcome.code === 'overloaded') return this.#abandon(parcel, outcome)
        if (outcome.code !== 'session-lost') break
        if (parcel.doubtful) return this.#abandon(parcel, outcome)
        if (lane.origin === parcel.origin) lane.origin = null
        break
      default:
        unreachable(outcome)
    }
    if (parcel.doubtful) {
      lane.doubtful.push(parcel)
    } else {
      parcel.dissolve()
      lane.waiting.push(...parcel.commands)
    }
    this.#rest(lane)
  }

  #applied(parcel: Parcel, { index, answer }: Extract<ProposalOutcome, { type: 'applied' }>): void {
    const answers = present(readParts(answer, 0), 'answers come as parts')
    assert(answers.length === parcel.commands.length, 'every command of a parcel has an answer')
    for (const [position, command] of parcel.commands.entries()) {
      this.#end(command, { type: 'applied', index, answer: answers[position] as Uint8Array })
    }
  }

  #abandon(parcel: Parcel, outcome: ProposalOutcome): void {
    for (const command of parcel.commands) this.#end(command, parcel.doubtful ? unknownOutcome : outcome)
  }

  #giveUp(command: Submitted, code: RefusalCode): void {
    this.#close(command, command.parcel === null ? refusedProposal(code) : unknownOutcome)
  }

  /** Unless it has ended already. */
  #end(command: Submitted, outcome: ProposalOutcome): void {
    if (this.#deadlines.delete(command)) this.#close(command, outcome)
  }

  #close(command: Submitted, outcome: ProposalOutcome): void {
    command.parcel?.ended()
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
    const lane: Lane = { group, origin: null, opening: false, waiting: [], doubtful: [], scheduled: false, resting: false }
    this.#lanes.set(group, lane)
    return lane
  }
}

export interface SubmitOptions {
  readonly timeoutMs: number
  readonly done: (outcome: ProposalOutcome) => void
}
