import { encodeCommand } from '#core/queue/command-codec.ts'
import type { NextDeadline } from '#core/queue/types.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Leadership } from '#runtime/leadership.ts'
import type { ProposalOutcome } from '#wire/peer-message.ts'
import { pathLimits } from '#services/common/limits.ts'

export interface SlotWardenPorts {
  readonly clock: Clock
  /** Null while the replica here does not lead, or has not applied an entry of its term. */
  readonly leadership: (group: number) => Leadership | null
  readonly nextDeadline: (group: number) => NextDeadline | null
  readonly propose: (group: number, command: Uint8Array, done: (outcome: ProposalOutcome) => void) => void
}

/** Ends leases, delays and lives in the slots that this node leads, when their time is over: by a logged command, as every replica does the same. */
export class SlotWarden {
  readonly #ports: SlotWardenPorts
  readonly #proposed = new Set<number>()
  readonly #timers = new Map<number, { readonly at: number; readonly cancel: Cancel }>()
  #stopped = false

  constructor(ports: SlotWardenPorts) {
    this.#ports = ports
  }

  /** The machine of the slot has moved on, or its leader has changed. */
  look(group: number): void {
    const leadership = this.#stopped ? null : this.#ports.leadership(group)
    const inMs = leadership === null ? Infinity : this.#dueIn(group, leadership)
    if (inMs === Infinity) this.#disarm(group)
    else if (inMs <= 0) this.#expire(group)
    else this.#lookIn(group, inMs)
  }

  stop(): void {
    this.#stopped = true
    for (const group of this.#timers.keys()) this.#disarm(group)
  }

  #dueIn(group: number, { machineTime }: Leadership): number {
    const { time, wall } = this.#ports.nextDeadline(group) ?? { time: null, wall: null }
    return Math.min(time === null ? Infinity : time - machineTime, wall === null ? Infinity : wall - this.#ports.clock.wall())
  }

  #expire(group: number): void {
    if (this.#proposed.has(group)) return
    this.#proposed.add(group)
    this.#ports.propose(group, encodeCommand({ type: 'expire-due' }), ({ type }) => {
      this.#proposed.delete(group)
      if (type === 'applied') this.look(group)
      else this.#lookIn(group, pathLimits.restMs)
    })
  }

  #lookIn(group: number, delayMs: number): void {
    const at = this.#ports.clock.now() + delayMs
    const timer = this.#timers.get(group)
    if (this.#stopped || (timer !== undefined && timer.at <= at)) return
    this.#disarm(group)
    const cancel = this.#ports.clock.after(Math.max(1, delayMs), () => {
      this.#timers.delete(group)
      this.look(group)
    })
    this.#timers.set(group, { at, cancel })
  }

  #disarm(group: number): void {
    this.#timers.get(group)?.cancel()
    this.#timers.delete(group)
  }
}
