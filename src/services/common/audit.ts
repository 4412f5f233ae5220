import type { Call } from '#api/call.ts'
import type { Result } from '#base/result.ts'
import type { Telemetry } from '#ports/telemetry.ts'

type About = Readonly<Record<string, string | number | boolean | null>>

interface Audited {
  readonly action: string
  /** What it was about. */
  readonly about?: About
  /** `done`, or a code of the API. */
  readonly outcome: string
}

/** Leaves the one line that every call leaves which an operator should be able to find later, whatever came of it. */
export function audit(
  telemetry: Pick<Telemetry, 'log'>,
  { caller, requestId, remoteAddress, trace = null }: Pick<Call, 'caller' | 'requestId' | 'remoteAddress' | 'trace'>,
  { action, about = {}, outcome }: Audited,
): void {
  telemetry.log('warn', 'audit', { action, ...about, outcome, caller, requestId, remoteAddress, ...(trace === null ? {} : { trace }) })
}

export const outcomeOf = (result: Result<unknown, { readonly code: string }>): string => (result.ok ? 'done' : result.error.code)
