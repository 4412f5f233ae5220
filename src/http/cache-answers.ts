import type { Result } from '#base/result.ts'
import { ok } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import type { CacheApi, ChangeFault, NumberFault } from '#api/cache/cache-api.ts'
import { answerTooLarge } from '#api/cache/faults.ts'
import { cacheApiLimits as limits } from '#api/cache/limits.ts'
import type { BatchRequest, Changed, Incremented, ReadAnswer } from '#api/cache/lines.ts'
import type { Fault } from '#api/errors.ts'
import { isRetryable } from '#api/errors.ts'
import type { JsonBytes } from '#api/schemas.ts'

/** Services are asked about one key; over HTTP a call may be about many. */

type Operation = BatchRequest['operations'][number]
type Answer = ReadAnswer | Changed | Incremented
type Outcome = Result<Answer, Fault<ChangeFault | NumberFault>>

/** All of them are under way at one time. A value that the answer has no room for is dropped as it comes; what has none is told in any case. */
export async function batch(
  cache: CacheApi,
  { operations }: BatchRequest,
  call: Call,
): Promise<Result<BatchResults, Fault<'unavailable'>>> {
  let bytes = 0
  const results = operations.map(async (operation): Promise<BatchResult> => {
    const outcome = await one(cache, operation, call)
    const { key } = operation
    if (!outcome.ok) return { key, error: itemError(outcome.error) }
    const size = bytesOf(outcome.value)
    if (bytes + size > limits.requestBytesMax) return { key, error: itemError(answerTooLarge()) }
    bytes += size
    return outcome.value
  })
  return ok({ results: await Promise.all(results) })
}

const bytesOf = (answer: Answer): number => ('value' in answer && answer.value instanceof Uint8Array ? answer.value.length : 0)

function one(cache: CacheApi, { type, value, ...operation }: Operation, call: Call): Promise<Outcome> {
  switch (type) {
    case 'read':
      return cache.read(operation, call)
    case 'write':
      // The rules have seen that it is there.
      return cache.write({ ...operation, value: value as JsonBytes }, call)
    case 'delete':
      return cache.delete(operation, call)
    case 'increment':
      return cache.increment(operation, call)
  }
}

type BatchResult = Answer | { readonly key: string; readonly error: ItemError }

interface BatchResults {
  readonly results: readonly BatchResult[]
}

interface ItemError {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly version?: string
}

function itemError({ code, message, details }: Fault): ItemError {
  const version = code === 'version_mismatch' && 'version' in details ? { version: details.version } : {}
  return { code, message, retryable: isRetryable(code, false), ...version }
}
