import { acquireLock } from '#cli/service/acquire-lock.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { refused } from '#cli/service/service-client.ts'
import { KeptSession } from './kept-session.ts'

/** A lock that is kept until it is released. */
export interface HeldLock {
  readonly token: number
  /** Aborts when the lock is lost, before anybody else can have it; its reason says why, in words. */
  readonly lost: AbortSignal
  /** Throws when no node could be told; the lock is then free once its lease is over. */
  release(): Promise<void>
}

interface HoldOptions {
  readonly clientId: string
  readonly shared: boolean
  readonly ttlMs: number
  readonly waitMs: number
  /** Gives the wait up and leaves the queue; rejects with the reason. */
  readonly signal: AbortSignal
}

export async function holdLock(client: ServiceClient, name: string, options: HoldOptions): Promise<HeldLock> {
  const { clientId, shared, ttlMs, waitMs, signal } = options
  const session = await KeptSession.open(client, { clientId, ttlMs }, signal)
  try {
    const request = {
      resource_id: name,
      client_id: clientId,
      session_id: session.id,
      lock_type: shared ? ('shared' as const) : ('exclusive' as const),
    }
    const granted = await acquireLock(client, request, { waitMs, signal: AbortSignal.any([signal, session.lost]) })
    if (!granted.ok) throw refused(granted.error)
    return { token: granted.value.fencing_token, lost: session.lost, release: () => session.end() }
  } catch (error) {
    // What it waited for, or was just granted, goes with it; and if nobody can be told, with its lease.
    await session.end().catch(() => {})
    throw error
  }
}
