import { Type } from './type.ts'
import type { Static, TObject, TSchema } from 'typebox'
import { commonErrors } from '#api/common/errors.ts'
import { cacheErrors } from '#api/cache/errors.ts'
import { lockErrors } from '#api/locks/errors.ts'
import { queueErrors } from '#api/queues/errors.ts'
import { closed } from './schemas.ts'

/**
 * The one registry of errors. A code is stable: clients act on it, and on nothing else. An error goes out in one shape, with its details
 * beside the code:
 *
 *     {"error": {"code": "not_holder", "message": "…", "retryable": false}}
 *
 * Inside, an expected outcome is a `Fault`: plain data, a value of a result. `ApiError` carries a fault where something has to be thrown.
 */
export const errorRegistry = { ...commonErrors, ...lockErrors, ...queueErrors, ...cacheErrors } as const

export type ErrorCode = keyof typeof errorRegistry
export const errorCodes = Object.keys(errorRegistry) as readonly ErrorCode[]

export type DetailsOf<Code extends ErrorCode> = Readonly<Static<TObject<(typeof errorRegistry)[Code]['details']>>>

export type Fault<Code extends ErrorCode = ErrorCode> = Code extends ErrorCode
  ? { readonly code: Code; readonly message: string; readonly details: DetailsOf<Code> }
  : never

/** `message` says what was expected, what was seen, and what to do. */
export const faultOf = <Code extends ErrorCode>(code: Code, message: string, details: DetailsOf<Code>): Fault<Code> =>
  // The compiler does not see that a conditional type over a type parameter is this object.
  ({ code, message, details }) as unknown as Fault<Code>

export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ErrorCode
  readonly fault: Fault

  constructor(fault: Fault, options: ErrorOptions = {}) {
    super(fault.message, options)
    this.code = fault.code
    this.fault = fault
  }
}

export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly retryable: boolean; readonly [detail: string]: unknown }
}

/** Whether the very same request may be sent again. Of one that does harm when it is carried out twice, an unknown outcome may not. */
export const isRetryable = (code: ErrorCode, repeatable: boolean): boolean =>
  errorRegistry[code].retryable && (repeatable || code !== 'unknown')

export function errorBodyOf({ code, message, details }: Fault, { repeatable }: { readonly repeatable: boolean }): ErrorBody {
  return { error: { code, message, retryable: isRetryable(code, repeatable), ...details } }
}

/** The value of the header `retry-after`: whole seconds; null when nothing is known. */
export function retryAfterSeconds({ details }: Fault): number | null {
  const afterMs = 'retry_after_ms' in details ? details.retry_after_ms : null
  return afterMs === null ? null : Math.max(1, Math.ceil(afterMs / 1_000))
}

/** The schema of a body with this error. */
export function errorSchema(code: ErrorCode, repeatable: boolean): TSchema {
  const { summary, details } = errorRegistry[code]
  const error = closed({
    code: Type.Literal(code),
    message: Type.String({ description: 'For people; may change.' }),
    retryable: Type.Literal(isRetryable(code, repeatable)),
    ...details,
  })
  const name = `${code.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Error`
  return closed({ error }, { title: repeatable || code !== 'unknown' ? name : `${name}Once`, description: summary })
}
