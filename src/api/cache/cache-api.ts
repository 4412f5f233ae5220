import type { Result } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import type { serviceErrors } from '#api/common/errors.ts'
import type { EventFeed } from '#api/common/events.ts'
import type { Fault } from '#api/errors.ts'
import type { JsonBytes } from '#api/schemas.ts'
import type { Changed, DeleteRequest, Incremented, IncrementRequest, KeyPath, ReadAnswer, WriteRequest } from './lines.ts'
import type { CacheStatus, StatusQuery } from './status.ts'

/**
 * What the cache service does for its callers, whatever carries the calls. Requests have been checked: they fit their schemas and the rules in
 * `rules.ts`.
 *
 * An expected outcome is a value: an answer, or a fault. What a method throws is a bug.
 */
export interface CacheApi {
  /** Never an older value than anybody was told before it was asked for. */
  read(request: KeyPath, call: Call): Promise<Result<ReadAnswer, Fault<ServiceFault>>>
  /** Whoever reads after the answer reads this value, or a newer one. */
  write(request: KeyPath & WriteRequest, call: Call): Promise<Result<Changed, Fault<ChangeFault>>>
  delete(request: DeleteRequest, call: Call): Promise<Result<Changed, Fault<ChangeFault>>>
  increment(request: IncrementRequest, call: Call): Promise<Result<Incremented, Fault<ChangeFault | NumberFault>>>
  /** Calls `listener` with the value as it is, and then for each change that is seen: of several in a row perhaps only the last. */
  watch(key: string, listener: (value: Watched) => void): () => void
  status(request: StatusQuery, call: Call): Promise<Result<CacheStatus, Fault<ServiceFault>>>
  /** The bus transactions that this node sends and receives. */
  readonly bus: EventFeed
}

export interface Watched {
  readonly key: string
  readonly value: JsonBytes | null
  readonly found: boolean
  readonly version: string
}

/** Any call may end so. */
export type ServiceFault = (typeof serviceErrors)[number]
export type NumberFault = 'not_a_number' | 'number_out_of_range'
export type ChangeFault = ServiceFault | 'version_mismatch' | 'memory_full' | 'too_many_operations' | 'value_too_large'
