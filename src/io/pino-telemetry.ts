import { pino } from 'pino'
import type { Logger } from 'pino'
import type { Telemetry } from '#ports/telemetry.ts'

/** Log lines as JSON on standard output; counters are kept for whoever asks. */
export class PinoTelemetry implements Telemetry {
  readonly #logger: Logger
  readonly #counters = new Map<string, number>()

  constructor(options: { readonly level: string; readonly node: string }) {
    this.#logger = pino({ level: options.level, base: { node: options.node }, timestamp: pino.stdTimeFunctions.isoTime })
  }

  log(...[level, event, fields]: Parameters<Telemetry['log']>): void {
    this.#logger[level](fields, event)
  }

  count(...[name, labels, by = 1]: Parameters<Telemetry['count']>): void {
    const key = `${name} ${JSON.stringify(labels)}`
    this.#counters.set(key, (this.#counters.get(key) ?? 0) + by)
  }

  gauge(): void {}

  observe(): void {}
}
