import type { Prng } from '#base/prng.ts'
import { overloaded } from '#api/common/faults.ts'
import type { MetricDefinition } from '#api/common/metrics.ts'
import type { Fault } from '#api/errors.ts'
import { overloadLimits } from '#core/overload/limits.ts'
import type { ShedderLimits } from '#core/overload/limits.ts'
import { Shedder } from '#core/overload/shedder.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'

export interface AdmissionLimits {
  readonly turns: ShedderLimits
  readonly commands: ShedderLimits
  readonly lookMs: number
}

interface AdmissionPorts {
  readonly clock: Clock
  readonly prng: Prng
  readonly telemetry: Pick<Telemetry, 'count'>
}

/**
 * Whether a node takes new work, one for all ways in. Work waits in two places: in line for a turn of the event loop, and on its way through the log of a group. Each has a regulator of its
 * own (`Shedder`), so that what overloads one leader is refused where it goes to that leader, and other work is not.
 *
 * What keeps up or gives back what somebody has is never asked about: keep-alives, releases, acks and the like. Nor is what nodes say to each other.
 */
export class Admission {
  readonly #ports: AdmissionPorts
  readonly #limits: AdmissionLimits
  readonly #turns: Shedder
  /** On their way through any log. */
  #commands = 0
  #cancelLook: Cancel = () => {}

  constructor(ports: AdmissionPorts, limits: AdmissionLimits = overloadLimits) {
    this.#ports = ports
    this.#limits = limits
    this.#turns = new Shedder(limits.turns, ports.prng.fork())
  }

  /** Looks at the event loop from now on. */
  start(): void {
    const { clock } = this.#ports
    const due = clock.now() + this.#limits.lookMs
    this.#cancelLook = clock.after(this.#limits.lookMs, () => {
      const now = clock.now()
      this.#turns.waited(Math.max(0, now - due), now)
      this.start()
    })
  }

  stop(): void {
    this.#cancelLook()
  }

  /** For new work that comes in beside so much that is not answered; null when it is taken. */
  refusal(open: number): Fault<'overloaded'> | null {
    if (!this.#turns.refuses(Math.max(open, this.#commands), this.#ports.clock.now())) return null
    return this.shed('turns', 'this node has more to do than it gets done in time')
  }

  /** For what is refused for whatever reason: all of it is counted here. */
  shed(reason: 'turns' | 'commands' | 'number', what: string): Fault<'overloaded'> {
    this.#ports.telemetry.count('lockstep_shed_total', { reason })
    return overloaded(what)
  }

  /** Through the log of one group. */
  way(): Way {
    const shedder = new Shedder(this.#limits.commands, this.#ports.prng.fork())
    const { clock } = this.#ports
    return {
      refusal: () => {
        if (!shedder.refuses(this.#commands, clock.now())) return null
        return this.shed('commands', 'commands to the leader of that wait for too long')
      },
      begin: () => {
        this.#commands++
        return clock.now()
      },
      end: (since, isAnswered) => {
        this.#commands--
        const now = clock.now()
        if (isAnswered) shedder.waited(now - since, now)
      },
    }
  }
}

/** How commands to one group fare. */
export interface Way {
  /** For new work; null when it is taken. */
  refusal(): Fault<'overloaded'> | null
  /** A command of whatever kind leaves; what is returned is told when it ends. */
  begin(): number
  /** `isAnswered`: how long it took says how long commands wait, and not that nobody leads. */
  end(since: number, isAnswered: boolean): void
}

export const admissionMetrics: readonly MetricDefinition[] = [
  {
    type: 'counter',
    name: 'lockstep_shed_total',
    help: 'New work refused with `overloaded`, by why: `turns` and `commands` wait for too long, or the `number` of what is open is at its limit.',
    labels: ['reason'],
  },
]
