import type { TProperties } from 'typebox'
import { durationMs } from './schemas.ts'

/** What the registry says about one error. */
export interface ErrorEntry {
  readonly status: number
  /** Sending the very same request again, later, may succeed and does no harm. */
  readonly retryable: boolean
  /** For the reference: what it means and what to do. */
  readonly summary: string
  /** Fields of the error besides `code`, `message` and `retryable`. */
  readonly details: TProperties
}

export const retryAfterMs = durationMs(0, 3_600_000, { description: 'When to ask again; also as the header `retry-after`, in seconds.' })
export const retryLater = { retry_after_ms: retryAfterMs } as const
export const none = {} as const
