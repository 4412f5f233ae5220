import type { AgentState } from '#core/cache/agent-state.ts'
import { isUsable } from '#core/cache/agent-state.ts'
import type { Line } from '#core/cache/lines.ts'
import type { Seat } from '#sim/cache/litmus/seat.ts'
import type { Machine } from '#sim/world/machine.ts'

interface Application {
  readonly machine: Machine
  readonly state: AgentState
}

/** A copy that may be read without asking anybody, and who has it. */
export interface HeldLine {
  readonly holder: string
  readonly line: Line
}

/** The agents of programs that use the library, as who looks at all agents at once sees them. */
export class Applications {
  readonly totals = { agents: 0 }
  /** Where threads of litmus tests may run. */
  readonly seats = new Set<Seat>()
  readonly #alive = new Map<string, Application>()
  /** Closed, each with what it has counted. */
  readonly #closed = new Map<string, AgentState['counters']>()

  opened(machine: Machine, state: AgentState): void {
    this.totals.agents++
    this.#alive.set(state.id, { machine, state })
  }

  closed({ id, counters }: AgentState): void {
    this.#alive.delete(id)
    this.#closed.set(id, counters)
  }

  /** With its process. */
  died({ id }: AgentState): void {
    this.#alive.delete(id)
  }

  /** A process that stands still has lines for as long as their leases last. */
  get usableLines(): readonly HeldLine[] {
    const found: HeldLine[] = []
    for (const { machine, state } of this.#alive.values()) {
      const now = machine.now()
      for (const line of state.lines.byKey.values()) if (isUsable(line, now)) found.push({ holder: machine.name, line })
    }
    return found
  }

  /** How many values an agent that was closed counts as lost; null when its process died. */
  lostBy(agent: string): number | null {
    return this.#closed.get(agent)?.lost ?? null
  }
}
