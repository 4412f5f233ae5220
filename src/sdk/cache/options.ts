import type { Ack, Key } from '#core/cache/types.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import { keyIn } from '#core/cache/memory-state.ts'
import { fits } from '#core/queue/text-size.ts'
import { invalid } from '#sdk/options.ts'
import type { CallOptions } from './asking.ts'
import { cacheSdkLimits as limits } from './limits.ts'

export interface CacheOptions {
  /** About how much memory its lines may take, in bytes: of their JSON, their keys, and what is around them. 64 MiB unless given. */
  readonly bytesMax?: number | undefined
  /** How many lines there may be. A million unless given. */
  readonly linesMax?: number | undefined
  /** What the keys are in. Empty unless given: the one that the HTTP API reads and writes. */
  readonly namespace?: string | undefined
  /** The level of writes that name none: `replicated` unless given. */
  readonly ack?: Ack | undefined
}

export interface SetOptions extends CallOptions {
  /** How long the value lives, in milliseconds. For as long as there is room unless given. */
  readonly ttlMs?: number | undefined
  /**
   * `replicated`: a majority has it. `owner`: this process has it, and tells memory within 100 ms; what that may cost is in the guide. Where that is not possible, as
   * others have the line or the value has an end, it is `replicated` all the same.
   */
  readonly ack?: Ack | undefined
}

const control = /\p{Cc}/u

const isName = (text: unknown, bytesMax: number): text is string =>
  typeof text === 'string' && fits(text, bytesMax) && text.isWellFormed() && !control.test(text)

export function keyOf(namespace: string, name: string): Key {
  if (!isName(name, cacheLimits.nameBytesMax) || name === '') {
    throw invalid('key', `a text of 1 to ${cacheLimits.nameBytesMax} bytes without control characters`)
  }
  return keyIn(namespace, name)
}

export function checkNamespace(namespace: string): void {
  if (!isName(namespace, cacheLimits.namespaceBytesMax)) {
    throw invalid('namespace', `a text of at most ${cacheLimits.namespaceBytesMax} bytes without control characters`)
  }
}

export function checkAck(ack: Ack): Ack {
  if (ack !== 'replicated' && ack !== 'owner') throw invalid('ack', 'replicated or owner')
  return ack
}

/** Null: for as long as there is room. */
export function lifeOf(ttlMs: number | undefined): number | null {
  if (ttlMs === undefined) return null
  if (!(ttlMs >= 1 && ttlMs <= limits.ttlMsMax)) throw invalid('ttlMs', `1 to ${limits.ttlMsMax}`)
  return Math.ceil(ttlMs)
}

export function boundOf(field: string, value: number, min: number): number {
  if (!Number.isSafeInteger(value) || value < min) throw invalid(field, `an integer of at least ${min}`)
  return value
}
