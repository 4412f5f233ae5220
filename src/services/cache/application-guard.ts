import { cacheApiLimits } from '#api/cache/limits.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import { namespaceOf } from '#core/cache/memory-state.ts'
import type { Dirty, Push, ToHome } from '#core/cache/messages.ts'
import type { AgentId, Key, Operation, Value } from '#core/cache/types.ts'
import { byteLength } from '#core/queue/text-size.ts'
import { slotOf } from '#core/ring/partition.ts'

/**
 * What an application must not say. Nodes trust each other; a program that speaks the protocol may be broken or mean harm, and what it says ends up in a
 * log that all replicas carry out. What depends on the state of a home is checked there (rules 1 and 5).
 */

interface Speaker {
  readonly agent: AgentId
  /** Of the cluster. */
  readonly slots: number
}

/** What is wrong with it; null when an agent may say so. */
export function faultOf(message: ToHome, { agent, slots }: Speaker): string | null {
  if (message.slot < 1 || message.slot > slots) return 'no such slot'
  const isHere = (key: Key): boolean => isKey(key) && slotOf(key, 0, slots) === message.slot
  switch (message.type) {
    case 'open':
      return message.agent === agent ? null : 'the name of another agent'
    case 'arrive':
      return faultOfPushes(message.pushes, message.term, isHere)
    case 'request':
      return isHere(message.key) ? faultOfBody(message.body, agent) : 'no key of that slot'
    case 'snooped':
      if (!isHere(message.key)) return 'no key of that slot'
      return message.dirty === null ? null : faultOfDirty(message.dirty)
    default:
      return null
  }
}

/** A version of the home's own term, or of a later one, would be above all that the home writes next. */
function faultOfPushes(pushes: readonly Push[], term: number, isHere: (key: Key) => boolean): string | null {
  let bytes = 0
  for (const { key, version, value } of pushes) {
    if (!isHere(key)) return 'no key of that slot'
    if (version.term >= term) return 'a version of a term that has only begun'
    if (!isJson(value)) return 'a value that is no JSON'
    bytes += value.size
  }
  return bytes <= cacheLimits.dirtyBytesMax ? null : 'more than may be owed'
}

function faultOfBody(body: Extract<ToHome, { type: 'request' }>['body'], agent: AgentId): string | null {
  if (body.type === 'flush') return faultOfDirty(body.dirty)
  if (body.type !== 'write') return null
  if (body.operations.length === 0) return 'a write of nothing'
  for (const operation of body.operations) {
    const fault = faultOfOperation(operation, agent)
    if (fault !== null) return fault
  }
  return body.dirty === null ? null : faultOfDirty(body.dirty)
}

function faultOfOperation({ change, identity }: Operation, agent: AgentId): string | null {
  if (identity !== null && identity.client !== agent) return 'an operation of another client'
  if (change.type !== 'set') return null
  const { ttlMs, value } = change
  if (ttlMs !== null && !(Number.isInteger(ttlMs) && ttlMs >= 1 && ttlMs <= cacheApiLimits.ttlMsMax))
    return 'a life that is too short or too long'
  return isJson(value) ? null : 'a value that is no JSON'
}

const faultOfDirty = ({ value }: Dirty): string | null => (isJson(value) ? null : 'a value that is no JSON')

const control = /\p{Cc}/u

/** A namespace may be empty: the one that all keys are in which name none. */
export const isNamespace = (namespace: string): boolean =>
  !control.test(namespace) && byteLength(namespace) <= cacheLimits.namespaceBytesMax

function isKey(key: Key): boolean {
  const namespace = namespaceOf(key)
  // A key that begins with what stands behind a namespace would be in none.
  if (key.startsWith('\u0000')) return false
  const name = namespace === '' ? key : key.slice(namespace.length + 1)
  return isNamespace(namespace) && name !== '' && !control.test(name) && byteLength(name) <= cacheLimits.nameBytesMax
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Whoever reads it by HTTP is given these very bytes, in the middle of other JSON. */
function isJson({ bytes }: Value): boolean {
  try {
    JSON.parse(decoder.decode(bytes))
    return true
  } catch {
    // Neither throws for anything but what is wrong with the bytes.
    return false
  }
}
