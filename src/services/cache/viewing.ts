import type { CacheReport } from '#api/cache/metrics.ts'
import { cacheDefaults as defaults } from '#api/cache/limits.ts'
import type { CacheStatus, LineView, LostSlot, StatusQuery } from '#api/cache/status.ts'
import { Heap } from '#base/heap.ts'
import type { Home } from '#core/cache/home.ts'
import { describeVersion } from '#core/cache/describe.ts'
import { isUsable, versionOf } from '#core/cache/agent-state.ts'
import type { Line } from '#core/cache/lines.ts'
import { edgeName, edges as allEdges } from '#core/cache/transitions.ts'
import type { RingView } from '#api/common/ring.ts'
import { pointsPerWeight } from '#core/ring/limits.ts'
import type { Clock } from '#ports/clock.ts'
import type { LockstepNode } from '#runtime/node.ts'
import type { CacheBus } from './bus.ts'
import type { Counts } from './counts.ts'
import { lostSlots } from './lost-slots.ts'

export interface ViewingPorts {
  readonly node: () => LockstepNode
  readonly name: string
  readonly clock: Clock
  readonly bus: () => CacheBus
  readonly counts: () => Counts
  /** Where the slots of this node are. */
  readonly store: CacheStatus['store']
}

/** What there is to see of a cache node. */
export class Viewing {
  readonly #ports: ViewingPorts

  constructor(ports: ViewingPorts) {
    this.#ports = ports
  }

  status({ prefix = '', after, limit = defaults.page }: StatusQuery): CacheStatus {
    const { node, name, store } = this.#ports
    const { state } = this.#ports.bus().agent.agent
    const page = firstLines(state.lines.byKey.values(), { prefix, after: after ?? null, limit: limit + 1 })
    const lines = page.slice(0, limit).map((line) => this.#lineView(line))
    return {
      service: 'cache',
      node_id: name,
      cluster_id: node().identity?.formation?.clusterId ?? null,
      agent_id: state.id,
      capacity: this.#capacity(),
      states: this.#states(),
      homes: this.#homes(),
      store,
      slots_lost: this.lost(),
      ring: this.ring(),
      lines,
      next: page.length > limit ? (lines.at(-1)?.key ?? null) : null,
    }
  }

  ring(): RingView {
    const node = this.#ports.node()
    const table = node.cluster?.table ?? null
    const slots = Array.from({ length: this.#ports.bus().slots ?? 0 }, (_, at) => {
      const slot = at + 1
      const replicas = table?.slots[slot]?.replicas.map((replica) => replica.node) ?? []
      return { slot, owner: node.leaderOf(slot), term: node.host?.groups.get(slot)?.raft.term ?? 0, replicas }
    })
    const nodes = (node.cluster?.members ?? []).map(({ name }) => ({
      node_id: name,
      virtual_nodes: pointsPerWeight,
      leads: slots.filter(({ owner }) => owner === name).length,
      holds: slots.filter(({ replicas }) => replicas.includes(name)).length,
    }))
    return { version: table?.version ?? 0, slot_count: Math.max(1, slots.length), nodes, slots }
  }

  lost(): LostSlot[] {
    return [...lostSlots(this.#ports.node().cluster)]
  }

  report(): CacheReport {
    const { agent } = this.#ports.bus().agent
    const { counters, edges } = agent.state
    const { asks, snoops, reads, writes, writeBacks, rate } = this.#ports.counts()
    const lookups = counters.hits + counters.misses
    const { lines, lines_max: linesMax, bytes, bytes_max: bytesMax } = this.#capacity()
    return {
      performance: {
        requests_per_second: rate,
        hit_rate: lookups === 0 ? 0 : counters.hits / lookups,
        miss_rate: lookups === 0 ? 0 : counters.misses / lookups,
        utilization: Math.min(1, Math.max(lines / linesMax, bytes / bytesMax)),
      },
      counters: {
        reads,
        writes,
        hits: counters.hits,
        misses: counters.misses,
        evictions: counters.evictions,
        write_backs: writeBacks,
        lost: counters.lost,
        lapses: counters.lapses,
        slots_lost: this.lost().reduce((total, { times }) => total + times, 0),
        invalidations_sent: snoops.invalidationsSent,
        invalidations_received: snoops.invalidationsReceived,
        downgrades_sent: snoops.downgradesSent,
        downgrades_received: snoops.downgradesReceived,
        bus: { ...asks },
      },
      transitions: Object.fromEntries(allEdges.map(edgeName).map((edge) => [edge, edges.get(edge) ?? 0])),
      cache_info: { ...this.#capacity(), states: this.#states(), slots_led: [...this.#ports.bus().homes.slots].length },
    }
  }

  #capacity(): CacheStatus['capacity'] {
    const { lines, limits } = this.#ports.bus().agent.agent.state
    return { lines: lines.byKey.size, lines_max: limits.linesMax, bytes: lines.bytes, bytes_max: limits.lineBytesMax }
  }

  #states(): CacheStatus['states'] {
    const states = { M: 0, E: 0, S: 0, I: 0 }
    for (const { state } of this.#ports.bus().agent.agent.state.lines.byKey.values()) states[state]++
    return states
  }

  #homes(): CacheStatus['homes'] {
    const { homes } = this.#ports.bus()
    const led = [...homes.slots].map((slot) => homes.homeOf(slot)).filter((home) => home !== null)
    const sum = (of: (home: Home) => number): number => led.reduce((total, home) => total + of(home), 0)
    return {
      slots: led.length,
      open: led.filter(({ state }) => state.phase === 'open').length,
      agents: sum(({ state }) => state.sessions.size),
      keys: sum(({ state }) => state.directory.size),
      values: sum(({ state }) => state.memory.records.size),
      value_bytes: sum(({ state }) => state.memory.bytes),
      value_bytes_max: sum(({ state }) => state.memory.capacity.bytesMax),
    }
  }

  #lineView(line: Line): LineView {
    const { key, state, value, dirty } = line
    const usable = isUsable(line, this.#ports.clock.now())
    const version = describeVersion(versionOf(line))
    return { key, state, version, bytes: value?.size ?? 0, present: value !== null, dirty: dirty > 0, usable }
  }
}

interface Page {
  readonly prefix: string
  readonly after: string | null
  readonly limit: number
}

/** The first of them in the order of their keys, without sorting all. */
function firstLines(lines: Iterable<Line>, { prefix, after, limit }: Page): readonly Line[] {
  const last = new Heap<Line>((left, right) => left.key > right.key)
  for (const line of lines) {
    if (!line.key.startsWith(prefix) || (after !== null && line.key <= after)) continue
    const largest = last.peek()
    if (last.size === limit && largest !== undefined && line.key > largest.key) continue
    last.push(line)
    if (last.size > limit) last.pop()
  }
  const found: Line[] = []
  for (let line = last.pop(); line !== undefined; line = last.pop()) found.push(line)
  return found.reverse()
}
