import { pino } from 'pino'
import type { Logger } from 'pino'
import type { Telemetry } from '#ports/telemetry.ts'
import { LogOutput } from './log-output.ts'

type Meter = Pick<Telemetry, 'count' | 'gauge' | 'observe'>

const standardOutput = 1

/** Log lines as JSON on standard output; figures go to a meter, if there is one. */
export class PinoTelemetry implements Telemetry {
  readonly #logger: Logger
  readonly #meter: Meter | null

  constructor(options: { readonly level: string; readonly node: string; readonly meter: Meter | null }) {
    this.#meter = options.meter
    const output = new LogOutput(standardOutput, (lines) => this.log('warn', 'log-lines-dropped', { lines }))
    this.#logger = pino({ level: options.level, base: { node: options.node }, timestamp: pino.stdTimeFunctions.isoTime }, output)
  }

  log(...[level, event, fields]: Parameters<Telemetry['log']>): void {
    this.#logger[level](fields, event)
  }

  count(...figure: Parameters<Telemetry['count']>): void {
    this.#meter?.count(...figure)
  }

  gauge(...figure: Parameters<Telemetry['gauge']>): void {
    this.#meter?.gauge(...figure)
  }

  observe(...figure: Parameters<Telemetry['observe']>): void {
    this.#meter?.observe(...figure)
  }
}
