/** What the system tells its operators. Implementations must not throw and must be cheap when nobody listens. */
export interface Telemetry {
  log(level: LogLevel, event: string, fields: Readonly<Record<string, string | number | boolean | null>>): void
  /** Adds to a counter with a stable name that ends in `_total`. */
  count(name: string, labels: Labels, by?: number): void
  /** Sets a gauge. */
  gauge(name: string, labels: Labels, value: number): void
  /** Records a duration in seconds, or a size, in a histogram. */
  observe(name: string, labels: Labels, value: number): void
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
type Labels = Readonly<Record<string, string>>

export const silentTelemetry: Telemetry = {
  log() {},
  count() {},
  gauge() {},
  observe() {},
}
