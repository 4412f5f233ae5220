import { commonRoutes } from '#api/common/routes.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import type { Connect } from '#cli/load/connect.ts'
import { refusalOf } from '#cli/load/refusal.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { orRefused } from '#cli/service/service-client.ts'
import type { Lock } from '#sdk/lock.ts'
import type { Lockstep } from '#sdk/lockstep.ts'

/** A lock that is kept until it is released. */
export interface HeldLock {
  readonly token: number
  /** Aborts when the lock is lost, or ought to be given up, before anybody else can have it; its reason says why. */
  readonly lost: AbortSignal
  /** Throws when no node could be told; the lock is then free once its lease is over. */
  release(): Promise<void>
}

interface HoldOptions {
  readonly clientId: string
  readonly shared: boolean
  readonly ttlMs: number
  /** Infinity waits for ever. */
  readonly waitMs: number
  /** Gives the wait up and leaves the queue; rejects with the reason. */
  readonly signal: AbortSignal
}

/** Takes a lock as a program does, by the client library. */
export async function holdLock(
  client: ServiceClient,
  name: string,
  { connect, ...options }: HoldOptions & { readonly connect: Connect },
): Promise<HeldLock> {
  const { clientId, shared, ttlMs, waitMs, signal } = options
  // The library tries every node once; this goes round until one is ready, and knows what to say when none is.
  orRefused(await client.call(commonRoutes.ready, () => ({}), { signal }))
  const { urls, token, trust, timeoutMs } = client
  const terms = { clientId, timeoutMs: Math.ceil(timeoutMs), sessionTtlMs: ttlMs }
  const shown = { ...(token === null ? {} : { token }), ...(urls.some((url) => url.startsWith('https:')) ? { tls: trust } : {}) }
  const sync = await orExit(connect({ lock: urls, ...shown, ...terms }), signal)
  try {
    const wait = waitMs === Infinity ? {} : { waitMs }
    const lock = await orExit(sync.lock(name, { mode: shared ? 'shared' : 'exclusive', signal, ...wait }), signal)
    return { token: lock.fencingToken, lost: lock.signal, release: () => given(lock, sync) }
  } catch (error) {
    await sync.close()
    throw error
  }
}

async function given(lock: Lock, sync: Lockstep): Promise<void> {
  try {
    await lock.release()
  } finally {
    await sync.close()
  }
}

/** With what the library refuses as this command says it. */
async function orExit<T>(asked: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await asked
  } catch (error) {
    signal.throwIfAborted()
    const { code, message, retryable } = refusalOf(error)
    const nobody = code === 'connection_failed' || code === 'timeout'
    throw new CommandError(nobody ? exitCodes.unavailable : retryable ? exitCodes.busy : exitCodes.refused, `${code}: ${message}`)
  }
}
