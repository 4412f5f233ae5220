import { isUsable } from '#core/cache/agent-state.ts'
import { describeVersion } from '#core/cache/describe.ts'
import type { HomeState } from '#core/cache/home-state.ts'
import { checkAgent, checkCoherence, checkMemory } from '#core/cache/invariants.ts'
import type { Line } from '#core/cache/lines.ts'
import { committedVersion } from '#core/cache/lines.ts'
import type { SlotId } from '#core/cache/types.ts'
import { slotId } from '#core/cache/types.ts'
import type { CacheServer } from '#services/cache/cache-server.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { SimNode } from '#sim/cluster.ts'
import type { HeldLine } from '#sim/cache/library/applications.ts'
import type { Claims } from './claims.ts'
import { numberOf } from './ledger.ts'

/** A node that lives, and its part of the cache. */
export interface Part {
  readonly at: SimNode
  readonly server: CacheServer
}

interface Lead {
  readonly term: number
  readonly until: number
}

/** A part at one moment, by its own clock, with what it may lead of each slot. */
interface View extends Part {
  readonly now: number
  readonly leads: readonly (Lead | null)[]
}

/** What was found right of a copy: it stays so until the copy is another one, or somebody is told of more. */
interface Seen extends Pick<Line, 'value' | 'versionTerm' | 'versionGrant' | 'versionSequence'> {
  readonly floor: number
}

/**
 * All agents and homes at one moment, by the clock of each: a single writer or many readers, the directory knows whatever may be used, one home that may
 * answer for each slot, and no copy is older than what anybody was told. Looks only: what a process would find out by itself it is not told.
 */
export class Coherence {
  readonly totals = { looks: 0, linesSeen: 0, sharedSeen: 0, ownedSeen: 0, homesSeen: 0 }
  readonly #claims: Claims
  readonly #slots: readonly SlotId[]
  readonly #seen = new WeakMap<Line, Seen>()

  constructor(claims: Claims, slots: number) {
    this.#claims = claims
    this.#slots = Array.from({ length: slots }, (_, at) => slotId(at + 1))
  }

  /** `applications`: what programs may use that are agents themselves. */
  look(parts: readonly Part[], applications: readonly HeldLine[]): void {
    this.totals.looks++
    const views = parts.map((part) => this.#viewOf(part))
    const lines = [...views.flatMap(usableLines), ...applications]
    for (const [at, slot] of this.#slots.entries()) {
      const own: Line[] = []
      for (const { line } of lines) if (line.slot.id === slot) own.push(line)
      const home = this.#homeOf(slot, at, views)
      found(`slot ${slot}`, () => checkCoherence(own, home))
    }
    for (const { line, holder } of lines) this.#see(holder, line)
  }

  /** What a leader may rest on is counted from what all others have said: once for all lines of its slot. */
  #viewOf({ at, server }: Part): View {
    return { at, server, now: at.machine.now(), leads: this.#slots.map((slot) => leadOf(at, slot)) }
  }

  /** What is so within each part, which changes more slowly. */
  lookInside(parts: readonly Part[]): void {
    for (const { at, server } of parts) {
      found(at.name, () => checkAgent(server.bus.agent.agent.state))
      for (const slot of server.bus.homes.slots) {
        const home = server.bus.homes.homeOf(slot)
        if (home !== null) found(at.name, () => checkMemory(home.state.memory))
      }
    }
  }

  #see(holder: string, line: Line): void {
    const { key, state, value, dirty } = line
    this.totals.linesSeen++
    this.totals[state === 'S' ? 'sharedSeen' : 'ownedSeen']++
    if (dirty > 0) return
    const { versionTerm, versionGrant, versionSequence } = line
    const floor = this.#claims.toldOf(key)
    const known = this.#seen.get(line)
    const isSame = known?.value === value && known.floor === floor
    if (isSame && known.versionTerm === versionTerm && known.versionGrant === versionGrant && known.versionSequence === versionSequence)
      return
    this.#claims.seen(holder, key, { version: describeVersion(committedVersion(line)), value: value === null ? null : numberOf(value) })
    this.#seen.set(line, { value, versionTerm, versionGrant, versionSequence, floor })
  }

  /** The one that may answer, by its own clock. */
  #homeOf(slot: SlotId, index: number, views: readonly View[]): HomeState | null {
    let home: HomeState | null = null
    for (const { server, now, leads } of views) {
      const lead = leads[index] ?? null
      const state = lead === null ? undefined : server.bus.homes.homeOf(slot)?.state
      if (lead === null || state === undefined || lead.term !== Number(state.term) || now >= lead.until) continue
      if (home !== null) throw new Violation(`slot ${slot} has homes of the terms ${home.term} and ${state.term} at one time (rule 1)`)
      home = state
      this.totals.homesSeen++
    }
    return home
  }
}

/** The invariants are assertions of the core; here it is the simulator that finds them broken. */
function found(where: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    throw new Violation(`${where} is not coherent: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** What may be read on that node now without asking anybody; beside its home under the leadership lease, which is looked at before each use. */
function usableLines({ at, server, now, leads }: View): readonly HeldLine[] {
  const lines: HeldLine[] = []
  for (const line of server.bus.agent.agent.state.lines.byKey.values()) {
    const { slot, until } = line
    if (!slot.local) {
      if (isUsable(line, now)) lines.push({ holder: at.name, line })
      continue
    }
    const lead = leads[slot.id - 1] ?? null
    if (lead !== null && lead.term === Number(slot.term) && now < lead.until && (until === null || now < until))
      lines.push({ holder: at.name, line })
  }
  return lines
}

function leadOf({ node }: SimNode, slot: SlotId): Lead | null {
  const group = node?.host?.groups.get(slot)
  if (group === undefined || group.raft.role !== 'leader' || group.applier.last.term !== group.raft.term) return null
  return { term: group.raft.term, until: group.raft.leaseUntil }
}
