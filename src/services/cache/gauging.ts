import type { CacheReport } from '#api/cache/metrics.ts'
import type { Telemetry } from '#ports/telemetry.ts'

/** Hands to the metrics what the parts of a cache node have counted themselves, when somebody wants to know. */
export class Gauging {
  readonly #telemetry: Telemetry
  readonly #report: () => CacheReport
  /** What was handed over already, by name and labels. */
  readonly #told = new Map<string, number>()

  constructor(telemetry: Telemetry, report: () => CacheReport) {
    this.#telemetry = telemetry
    this.#report = report
  }

  gather(): void {
    const { counters, transitions, cache_info: info } = this.#report()
    this.#grew('lockstep_cache_lookups_total', { outcome: 'hit' }, counters.hits)
    this.#grew('lockstep_cache_lookups_total', { outcome: 'miss' }, counters.misses)
    for (const [edge, count] of Object.entries(transitions))
      this.#grew('lockstep_cache_transitions_total', { from: edge.slice(0, 1), to: edge.slice(1) }, count)
    for (const [transaction, count] of Object.entries(counters.bus)) this.#grew('lockstep_cache_bus_requests_total', { transaction }, count)
    this.#grew('lockstep_cache_snoops_total', { type: 'Invalidate', direction: 'sent' }, counters.invalidations_sent)
    this.#grew('lockstep_cache_snoops_total', { type: 'Invalidate', direction: 'received' }, counters.invalidations_received)
    this.#grew('lockstep_cache_snoops_total', { type: 'Downgrade', direction: 'sent' }, counters.downgrades_sent)
    this.#grew('lockstep_cache_snoops_total', { type: 'Downgrade', direction: 'received' }, counters.downgrades_received)
    this.#grew('lockstep_cache_evictions_total', {}, counters.evictions)
    this.#grew('lockstep_cache_write_backs_total', {}, counters.write_backs)
    this.#grew('lockstep_cache_lost_total', {}, counters.lost)
    this.#grew('lockstep_cache_lapses_total', {}, counters.lapses)
    this.#grew('lockstep_cache_slots_lost_total', {}, counters.slots_lost)
    for (const state of ['M', 'E', 'S'] as const) this.#telemetry.gauge('lockstep_cache_lines', { state }, info.states[state])
    this.#telemetry.gauge('lockstep_cache_line_bytes', {}, info.bytes)
    this.#telemetry.gauge('lockstep_cache_homes', {}, info.slots_led)
  }

  #grew(name: string, labels: Readonly<Record<string, string>>, count: number): void {
    const series = `${name} ${Object.values(labels).join(' ')}`
    const told = this.#told.get(series) ?? 0
    this.#told.set(series, count)
    this.#telemetry.count(name, labels, count - told)
  }
}
