import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Prng } from '#base/prng.ts'
import { lockLimits } from '#core/lock/limits.ts'
import { TcpClientDialer } from '#io/client/tcp-client-dialer.ts'
import { LeaseClock } from '#io/lease-clock.ts'
import { systemClock } from '#io/system-clock.ts'
import { LockstepClient } from '#sdk/client.ts'
import { sdkLimits } from '#sdk/limits.ts'
import type { Scope } from '#sdk/locking.ts'
import { invalid } from '#sdk/options.ts'

export { LockstepError } from '#sdk/errors.ts'
export type { ErrorDetails, LockstepErrorCode } from '#sdk/errors.ts'
export type { LossReason } from '#sdk/hold.ts'
export type { Lock, LockSet } from '#sdk/lock.ts'
export type { AcquireOptions, LockItem, LockOptions } from '#sdk/options.ts'
export type { Election, ElectionOptions } from '#sdk/election.ts'
export type { Owner } from '#sdk/owner-handle.ts'
export type { HeldLock, LockstepClient, PendingLock } from '#sdk/client.ts'

export interface ConnectOptions {
  /** Where lock nodes are, such as `http://127.0.0.1:8001`: one, or several. The others are learned from it. */
  readonly lock: string | readonly string[]
  /** For people who look at the service: what the names of this client's owners begin with. Host and process unless given. */
  readonly clientId?: string
  /** For a call to be answered, in milliseconds; what it may wait for a lock comes on top. */
  readonly timeoutMs?: number
  /** How long locks outlive this process, in milliseconds. */
  readonly sessionTtlMs?: number
}

/**
 * Connects to the lock service. Rejects with `connection_failed`, which lists every address and why, when no node answers.
 *
 *     await using sync = await connect({ lock: ['http://127.0.0.1:8001', 'http://127.0.0.1:8002'] })
 */
export async function connect({ lock, clientId, timeoutMs, sessionTtlMs }: ConnectOptions): Promise<LockstepClient> {
  const client = clientId ?? `${hostname().slice(0, hostLengthMax)}-${process.pid}-${randomBytes(3).toString('hex')}`
  if (client.length === 0 || client.length > clientLengthMax) throw invalid('clientId', `a text of 1 to ${clientLengthMax} characters`)
  const options = {
    urls: typeof lock === 'string' ? [lock] : lock,
    client,
    timeoutMs: inRange('timeoutMs', timeoutMs ?? sdkLimits.timeoutMs, 1, maxMs),
    sessionTtlMs: inRange('sessionTtlMs', sessionTtlMs ?? sdkLimits.sessionTtlMs, lockLimits.sessionTtlMsMin, lockLimits.ttlMsMax),
    software: `lockstep ${version}`,
  }
  return LockstepClient.connect(
    {
      clock: systemClock,
      leaseClock: new LeaseClock(),
      prng: new Prng(randomBytes(6).readUIntBE(0, 6)),
      entropy: { hex: (bytes) => randomBytes(bytes).toString('hex') },
      dialer: new TcpClientDialer(systemClock),
    },
    options,
    new AsyncLocalStorage<Scope>(),
  )
}

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { readonly version: string }

/** With the number of the owner it stays a name, whatever it is written in. */
const clientLengthMax = 64
const hostLengthMax = 40
const maxMs = 3_600_000

function inRange(field: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) throw invalid(field, `an integer from ${min} to ${max}`)
  return value
}
