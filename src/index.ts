/// <reference lib="esnext.disposable" preserve="true" />
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Prng } from '#base/prng.ts'
import { lockLimits } from '#core/lock/limits.ts'
import { clientConnect } from '#io/client/client-tls.ts'
import type { TlsOptions } from '#ports/tls-options.ts'
import type { TokenSource } from '#io/client/tcp-client-dialer.ts'
import { TcpClientDialer } from '#io/client/tcp-client-dialer.ts'
import { LeaseClock } from '#io/lease-clock.ts'
import { systemClock } from '#io/system-clock.ts'
import { plainConnect } from '#io/transport/dial.ts'
import { LockstepClient } from '#sdk/client.ts'
import { areSecure } from '#sdk/endpoints.ts'
import { sdkLimits } from '#sdk/limits.ts'
import type { Scope } from '#sdk/locking.ts'
import { Lockstep } from '#sdk/lockstep.ts'
import { checkObject, invalid } from '#sdk/options.ts'
import { CacheClient } from '#sdk/cache/cache-client.ts'
import { QueueClient } from '#sdk/queue/queue-client.ts'
import { cacheClients } from '#wire/cache-client-codec.ts'
import { lockClients } from '#wire/client-codec.ts'
import { queueClients } from '#wire/queue-client-codec.ts'

export type { TlsOptions } from '#ports/tls-options.ts'
export { LockstepError } from '#sdk/errors.ts'
export type { ErrorDetails, LockstepErrorCode } from '#sdk/errors.ts'
export type { LossReason } from '#sdk/hold.ts'
export type { Lock, LockSet } from '#sdk/lock.ts'
export type { Lockstep } from '#sdk/lockstep.ts'
export type { AcquireOptions, LockItem, LockOptions } from '#sdk/options.ts'
export type { Election, ElectionOptions } from '#sdk/election.ts'
export type { Owner } from '#sdk/owner-handle.ts'
export type { HeldLock, PendingLock } from '#sdk/client.ts'
export type { CallOptions } from '#sdk/cache/asking.ts'
export type { Cache, Entry, SetItemResult, Swapped, Written } from '#sdk/cache/cache.ts'
export type { CacheOptions, SetOptions } from '#sdk/cache/options.ts'
export type { CacheStatistics } from '#sdk/cache/statistics.ts'
export type { Peeked, PeekedMessage, PeekOptions, PurgeOptions, QueueList, QueueStatus, RedriveOptions } from '#sdk/queue/admin.ts'
export type { BackOff } from '#sdk/queue/back-off.ts'
export type { Message, NackOptions } from '#sdk/queue/message.ts'
export type { SendItem, SendOptions } from '#sdk/queue/options.ts'
export type { Queue, SendResult, Sent } from '#sdk/queue/queue.ts'
export type { ReceiveOptions } from '#sdk/queue/receiver.ts'
export type { CreateOptions, QueueDefinition, QueueSettings, RetrySettings } from '#sdk/queue/settings.ts'
export type { Handler, HandlerContext, StopOptions, Worker, WorkOptions } from '#sdk/queue/worker.ts'

export interface ConnectOptions {
  /** Where lock nodes are, such as `http://127.0.0.1:8001`: one, or several. The others are learned from it. */
  readonly lock?: string | readonly string[]
  /** Where queue nodes are, such as `http://127.0.0.1:9001`; as above. */
  readonly queue?: string | readonly string[]
  /** Where cache nodes are, such as `http://127.0.0.1:7001`; as above. */
  readonly cache?: string | readonly string[]
  /** For `https` URLs: how this client makes sure of nodes, and they of it. */
  readonly tls?: TlsOptions
  /** For people who look at the services: what the names of this client's owners begin with, and who consumes. Host and process unless given. */
  readonly clientId?: string
  /** For a call to be answered, in milliseconds; what it may wait for a lock or a message comes on top. */
  readonly timeoutMs?: number
  /** How long locks outlive this process, in milliseconds. */
  readonly sessionTtlMs?: number
  /** The token to show where the cluster asks for one; or what gives it, which is asked with every connection. */
  readonly token?: string | (() => string | Promise<string>)
}

/**
 * Connects to the services that are named. Rejects with `connection_failed`, which lists every address and why, when no node of one of them
 * answers.
 *
 *     await using sync = await connect({ lock: ['http://127.0.0.1:8001', 'http://127.0.0.1:8002'], queue: 'http://127.0.0.1:9001' })
 */
export async function connect(options: ConnectOptions): Promise<Lockstep> {
  checkObject('options', options)
  const { lock, queue, cache, tls, clientId, timeoutMs, sessionTtlMs, token } = options
  const client = clientId ?? `${hostname().slice(0, hostLengthMax)}-${process.pid}-${randomBytes(3).toString('hex')}`
  if (typeof client !== 'string' || client.length === 0 || client.length > clientLengthMax)
    throw invalid('clientId', `a text of 1 to ${clientLengthMax} characters`)
  if (lock === undefined && queue === undefined && cache === undefined)
    throw invalid('lock', 'given, or `queue`, or `cache`: where nodes are')
  const terms = {
    client,
    timeoutMs: inRange('timeoutMs', timeoutMs ?? sdkLimits.timeoutMs, 1, maxMs),
    sessionTtlMs: inRange('sessionTtlMs', sessionTtlMs ?? sdkLimits.sessionTtlMs, lockLimits.sessionTtlMsMin, lockLimits.ttlMsMax),
    software: `lockstep ${version}`,
  }
  const dialing = dialingBy({ lock, queue, cache }, tls)
  const secret: TokenSource = typeof token === 'function' ? token : () => token ?? null
  const ports = {
    clock: systemClock,
    leaseClock: new LeaseClock(),
    entropy: { hex: (bytes: number) => randomBytes(bytes).toString('hex') },
  }
  const [locks, queues, caches] = await Promise.allSettled([
    lock === undefined
      ? null
      : LockstepClient.connect(
          { ...ports, prng: newPrng(), dialer: new TcpClientDialer(systemClock, lockClients, { connect: dialing(lock), token: secret }) },
          { ...terms, urls: urlsOf(lock) },
          new AsyncLocalStorage<Scope>(),
        ),
    queue === undefined
      ? null
      : QueueClient.connect(
          { ...ports, prng: newPrng(), dialer: new TcpClientDialer(systemClock, queueClients, { connect: dialing(queue), token: secret }) },
          { ...terms, urls: urlsOf(queue) },
        ),
    cache === undefined
      ? null
      : CacheClient.connect(
          { ...ports, prng: newPrng(), dialer: new TcpClientDialer(systemClock, cacheClients, { connect: dialing(cache), token: secret }) },
          { ...terms, urls: urlsOf(cache) },
        ),
  ])
  if (locks.status === 'fulfilled' && queues.status === 'fulfilled' && caches.status === 'fulfilled')
    return new Lockstep({ locks: locks.value, queues: queues.value, caches: caches.value })
  const all = [locks, queues, caches]
  for (const each of all) if (each.status === 'fulfilled') await each.value?.close()
  throw all.find((each) => each.status === 'rejected')?.reason
}

type Urls = string | readonly string[]

/** How nodes at these URLs are connected to. */
function dialingBy(services: Readonly<Record<string, Urls | undefined>>, tls: TlsOptions | undefined): (urls: Urls) => typeof plainConnect {
  const secure = new Set<Urls>()
  for (const [service, urls] of Object.entries(services)) {
    if (urls === undefined) continue
    if (!urlsOf(urls).every((url) => typeof url === 'string')) throw invalid(service, 'a URL or a list of them')
    if (areSecure(urlsOf(urls), service)) secure.add(urls)
  }
  if (tls !== undefined && secure.size === 0) throw invalid('tls', 'given with https URLs only')
  if (secure.size === 0) return () => plainConnect
  const connecting = clientConnect(tls ?? {})
  if (!connecting.ok) throw invalid('tls', connecting.error)
  return (urls) => (secure.has(urls) ? connecting.value : plainConnect)
}

const newPrng = (): Prng => new Prng(randomBytes(6).readUIntBE(0, 6))
const urlsOf = (urls: Urls): readonly string[] => (typeof urls === 'object' ? urls : [urls])

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { readonly version: string }

/** With the number of the owner it stays a name, whatever it is written in. */
const clientLengthMax = 64
const hostLengthMax = 40
const maxMs = 3_600_000

function inRange(field: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) throw invalid(field, `an integer from ${min} to ${max}`)
  return value
}
