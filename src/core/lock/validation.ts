import { unreachable } from '#base/assert.ts'
import type { LockLimits } from './limits.ts'
import type { Acquire, Identity, Item, LockCommand, OwnerRef, Proof } from './types.ts'

/** The field that is wrong with a command, by itself and whatever the state; null when none is. */
export function faultOf(command: LockCommand, limits: LockLimits): string | null {
  switch (command.type) {
    case 'acquire':
      return faultOfAcquire(command, limits)
    case 'release':
    case 'downgrade':
      return faultOfRequest(command, limits) ?? faultOfName('resource', command.resource, limits) ?? faultOfProof(command.proof)
    case 'extend':
      return (
        faultOfRequest(command, limits) ??
        faultOfName('resource', command.resource, limits) ??
        outside('ttlMs', command.ttlMs, 0, limits.ttlMsMax)
      )
    case 'cancel':
      return faultOfName('attempt', command.attempt.session, limits) ?? outside('attempt', command.attempt.sequence, 1)
    case 'open-session':
      return (
        faultOfName('session', command.session, limits) ??
        faultOfName('client', command.client, limits) ??
        outside('ttlMs', command.ttlMs, limits.sessionTtlMsMin, limits.ttlMsMax) ??
        outside('lockDelayMs', command.lockDelayMs, 0, limits.lockDelayMsMax)
      )
    case 'open-node-session':
      return (
        faultOfName('session', command.session, limits) ??
        faultOfName('node', command.node, limits) ??
        outside('ttlMs', command.ttlMs, limits.sessionTtlMsMin, limits.ttlMsMax)
      )
    case 'close-session':
      return faultOfName('session', command.session, limits)
    case 'expire-sessions':
      return outside('sessions', command.sessions.length, 0, limits.expiriesMax)
    case 'force-release':
      return faultOfName('resource', command.resource, limits)
    case 'skip-tokens':
      return outside('count', command.count, 1, limits.skippedTokensMax)
    case 'expire-due':
    case 'configure':
      return null
    default:
      return unreachable(command)
  }
}

function faultOfAcquire(command: Acquire, limits: LockLimits): string | null {
  const { identity, ttlMs, lockDelayMs, waitMs } = command
  if (waitMs !== null && waitMs > 0 && identity === null) return 'identity'
  return (
    faultOfRequest(command, limits) ??
    faultOfItems(command.items, limits) ??
    outside('ttlMs', ttlMs, 0, limits.ttlMsMax) ??
    outside('lockDelayMs', lockDelayMs, 0, limits.lockDelayMsMax) ??
    outside('waitMs', waitMs ?? 0, 0, limits.waitMsMax)
  )
}

function faultOfRequest(
  { identity, owner }: { readonly identity: Identity | null; readonly owner: OwnerRef },
  limits: LockLimits,
): string | null {
  const fault = faultOfName('client', owner.client, limits)
  if (fault !== null || identity === null) return fault
  return outside('sequence', identity.sequence, 1) ?? outside('confirmed', identity.confirmed, 0, identity.sequence - 1)
}

function faultOfItems(items: readonly Item[], limits: LockLimits): string | null {
  const isDistinct = items.length === 1 || new Set(items.map(({ resource }) => resource)).size === items.length
  if (!isDistinct || items.length === 0 || items.length > limits.itemsMax) return 'items'
  for (const { resource } of items) if (faultOfName('resource', resource, limits) !== null) return 'resource'
  return null
}

const faultOfProof = (proof: Proof): string | null => outside(proof.type, proof.type === 'token' ? proof.token : proof.index, 0)

const encoder = new TextEncoder()

/** A text has at most three bytes for each of its units, so most need not be encoded to be measured. */
function faultOfName(field: string, name: string, { nameBytesMax: max }: LockLimits): string | null {
  const isShort = name.length * 3 <= max || (name.length <= max && encoder.encode(name).length <= max)
  return name.length > 0 && isShort ? null : field
}

function outside(field: string, value: number, min: number, max: number = Number.MAX_SAFE_INTEGER): string | null {
  return Number.isInteger(value) && value >= min && value <= max ? null : field
}
