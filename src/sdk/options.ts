import { lockLimits } from '#core/lock/limits.ts'
import type { Item, LockMode } from '#core/lock/types.ts'
import { resourceName } from '#core/lock/types.ts'
import { LockstepError } from './errors.ts'

export interface AcquireOptions {
  /** How long to wait, in milliseconds. Without it: for as long as the session lives. */
  readonly waitMs?: number | undefined
  /** Null is returned when the lock is not free now. */
  readonly ifAvailable?: boolean | undefined
  /** Ends the wait; means nothing once the lock is held. */
  readonly signal?: AbortSignal | undefined
  /** How long the resource stays closed after the lock was lost rather than released, in milliseconds. */
  readonly lockDelayMs?: number | undefined
}

export interface LockOptions extends AcquireOptions {
  /** `exclusive` unless given. */
  readonly mode?: LockMode | undefined
}

export interface LockItem {
  readonly name: string
  readonly mode?: LockMode | undefined
}

/** What was asked, in the words of the service. */
export interface Asked {
  readonly waitMs: number | null
  readonly lockDelayMs: number
  readonly signal: AbortSignal | undefined
  readonly ifAvailable: boolean
}

const encoder = new TextEncoder()

export function askedOf(options: AcquireOptions): Asked {
  checkObject('options', options)
  const { waitMs, ifAvailable = false, signal, lockDelayMs = 0 } = options
  checkSignal(signal)
  if (waitMs !== undefined && !(waitMs >= 0 && waitMs <= Number.MAX_SAFE_INTEGER)) throw invalid('waitMs', 'a number of milliseconds')
  if (!(lockDelayMs >= 0 && lockDelayMs <= lockLimits.lockDelayMsMax)) {
    throw invalid('lockDelayMs', `0 to ${lockLimits.lockDelayMsMax}`)
  }
  const limitMs = waitMs === undefined ? null : Math.ceil(waitMs)
  return { waitMs: ifAvailable ? 0 : limitMs, lockDelayMs: Math.ceil(lockDelayMs), signal, ifAvailable }
}

export function itemOf(item: LockItem): Item {
  checkObject('items', item)
  const { name, mode = 'exclusive' } = item
  checkLockName(name)
  if (mode !== 'exclusive' && mode !== 'shared') throw invalid('mode', 'exclusive or shared')
  return { resource: resourceName(name), mode }
}

export function checkLockName(name: string): void {
  const isShort = typeof name === 'string' && name.length > 0 && name.length <= lockLimits.nameBytesMax && name.isWellFormed()
  if (!isShort || (name.length * 3 > lockLimits.nameBytesMax && encoder.encode(name).length > lockLimits.nameBytesMax)) {
    throw invalid('name', `a text of 1 to ${lockLimits.nameBytesMax} bytes`)
  }
}

export function itemsOf(asked: readonly LockItem[]): readonly Item[] {
  checkList('items', asked)
  const items = asked.map(itemOf)
  const isDistinct = new Set(items.map(({ resource }) => resource)).size === items.length
  if (items.length === 0 || items.length > lockLimits.itemsMax || !isDistinct) {
    throw invalid('items', `1 to ${lockLimits.itemsMax} different names`)
  }
  return items
}

export const invalid = (field: string, expected: string): LockstepError =>
  new LockstepError('invalid_request', `${field} must be ${expected}`)

// What is checked here the types forbid; programs without types, and slips beside them, get an error that says so.

export function checkObject(field: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw invalid(field, 'an object')
}

export function checkList(field: string, value: unknown): void {
  if (!Array.isArray(value)) throw invalid(field, 'a list')
}

export function checkFunction(field: string, value: unknown): void {
  if (typeof value !== 'function') throw invalid(field, 'a function')
}

export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid('signal', 'an AbortSignal')
}
