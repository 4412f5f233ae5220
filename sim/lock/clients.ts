import { Holder, isPassing } from './holder.ts'
import type { HolderPorts } from './holder.ts'
import { visit } from './visits.ts'

/** A client whose locks have leases of their own. */
export async function runLeaseClient(ports: HolderPorts): Promise<void> {
  const { actor, options, isOver } = ports
  // Always of the same length, so that a copy of an extension that comes late never shortens a lease.
  const ttlMs = actor.prng.pick([3_000, 6_000, 12_000])
  const holder = new Holder(ports, { ttlMs })
  while (!isOver()) {
    await actor.think(options.thinkMs)
    if (!isOver()) await visit(ports, holder, ttlMs)
  }
  await holder.releaseAll()
}

/** A client whose locks live as long as its session. */
export async function runSessionClient(ports: HolderPorts): Promise<void> {
  const { actor, options, isOver } = ports
  while (!isOver()) {
    await actor.think(options.thinkMs)
    const ttlMs = actor.prng.pick([4_000, 4_000, 8_000])
    const session = isOver() ? null : await open(ports, ttlMs)
    if (session !== null) await useSession(ports, session, ttlMs)
  }
}

async function open({ actor, beliefs, options, did }: HolderPorts, ttlMs: number): Promise<string | null> {
  const delay = options.lockDelayMs > 0 ? { lock_delay_ms: options.lockDelayMs } : {}
  const request = { client_id: actor.id, ttl_ms: ttlMs, ...delay }
  did('session-open')
  const { told, sentAt } = await actor.call('session-open', (locks, call) => locks.openSession(request, call))
  if (!told.ok) return null
  beliefs.kept(told.value.session_id, actor.deadline(sentAt, told.value.ttl_ms))
  return told.value.session_id
}

async function useSession(ports: HolderPorts, session: string, ttlMs: number): Promise<void> {
  const { actor, beliefs, options, did, isOver } = ports
  const holder = new Holder(ports, { session })
  const keeping: Keeping = { session, ttlMs, isOpen: true, isWounded: false }
  ports.besides(keepAlive(ports, keeping))
  for (let visits = actor.prng.between(3, 20); visits > 0 && keeping.isOpen && !isOver(); visits--) {
    await actor.think(options.thinkMs)
    const taken = await visit(ports, holder, ttlMs)
    if (keeping.isWounded) await holder.releaseAll()
    if (taken === 'session-lost') keeping.isOpen = false
  }
  const isLost = !keeping.isOpen
  keeping.isOpen = false
  beliefs.leave(session)
  if (isLost) did('session-lost')
  else if (actor.prng.chance(options.abandonShare * 3)) did('session-abandon')
  else {
    did('session-end')
    await actor.call('session-end', (locks, call) => locks.endSession({ session_id: session }, call))
  }
}

interface Keeping {
  readonly session: string
  readonly ttlMs: number
  isOpen: boolean
  isWounded: boolean
}

/** Every third of the lease, at once again where nobody answered; now and then just when the leader ends the session. */
async function keepAlive({ actor, beliefs, did }: HolderPorts, keeping: Keeping): Promise<void> {
  const { session, ttlMs } = keeping
  let lastSentAt = actor.now
  while (keeping.isOpen) {
    if (actor.prng.chance(lateKeepShare)) {
      did('session-keep-late')
      await actor.sleepUntil(lastSentAt + ttlMs + actor.prng.float() * endingMs)
    } else {
      await actor.sleep(ttlMs / 3)
    }
    if (!keeping.isOpen) return
    lastSentAt = actor.now
    did('session-keep')
    const { told, sentAt } = await actor.call('session-keep', (locks, call) => locks.keepSessionAlive({ session_id: session }, call))
    if (!keeping.isOpen) return
    if (told.ok) {
      keeping.isWounded = told.value.wounded
      if (keeping.isWounded) did('told-wounded')
      beliefs.kept(session, actor.deadline(sentAt, told.value.ttl_ms))
    } else if (!isPassing(told.error)) {
      keeping.isOpen = false
    }
  }
}

const lateKeepShare = 0.02
/** It takes a leader about so long to end a session. */
const endingMs = 12
