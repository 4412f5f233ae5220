import type { Fault } from '#api/errors.ts'
import { faultOf } from '#api/errors.ts'
import { cacheApiLimits as limits } from './limits.ts'

/** The faults of the cache service with their words, so that every path to one says the same. */

/** Long names would drown the message. */
const quoted = (name: string): string => JSON.stringify(name.length > 64 ? `${name.slice(0, 63)}…` : name)

export const versionMismatch = (key: string, version: string): Fault<'version_mismatch'> =>
  faultOf('version_mismatch', `${quoted(key)} is not as was expected, its version is ${version}; nothing was changed: read it again`, {
    version,
  })

export const notANumber = (key: string): Fault<'not_a_number'> =>
  faultOf('not_a_number', `the value of ${quoted(key)} is no integer: write one, or use another key`, {})

export const numberOutOfRange = (key: string): Fault<'number_out_of_range'> =>
  faultOf('number_out_of_range', `the sum would be beyond ±${Number.MAX_SAFE_INTEGER}; ${quoted(key)} is as it was`, {})

export const valueTooLarge = (field: string, bytes: number): Fault<'value_too_large'> =>
  faultOf(
    'value_too_large',
    `${field}: a value has at most ${limits.valueBytesMax} bytes, and this one has ${bytes}; nothing was carried out`,
    { field, bytes, bytes_max: limits.valueBytesMax },
  )

export const answerTooLarge = (): Fault<'answer_too_large'> =>
  faultOf('answer_too_large', `the values of an answer have at most ${limits.requestBytesMax} bytes: read this one in another batch`, {})

export const tooManyOperations = (retryAfterMs = 1_000): Fault<'too_many_operations'> =>
  faultOf('too_many_operations', 'as many ids of operations are remembered as may be; nothing was carried out: try again later', {
    retry_after_ms: retryAfterMs,
  })

/** Which were ever cleared: each is remembered. */
export const tooManyNamespaces = (max: number): Fault<'memory_full'> =>
  faultOf('memory_full', `${max} namespaces were cleared, as many as a slot remembers; nothing was carried out: delete the keys instead`, {
    retry_after_ms: 60_000,
  })

export const memoryFull = (retryAfterMs = 1_000): Fault<'memory_full'> =>
  faultOf('memory_full', 'the memory of the slot is full; nothing was carried out: delete something, or try again later', {
    retry_after_ms: retryAfterMs,
  })
