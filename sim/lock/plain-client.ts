import type { LockApi } from '#api/locks/lock-api.ts'
import type { HistoryRecorder } from '#sim/checker/history.ts'
import type { Actor } from '#sim/clients/actor.ts'
import type { Told } from '#sim/clients/calls.ts'
import type { PlainInput, PlainOutput } from './plain-lock-model.ts'

interface PlainPorts {
  readonly actor: Actor<LockApi>
  readonly history: HistoryRecorder<PlainInput, PlainOutput>
  readonly did: (action: string) => void
  readonly isOver: () => boolean
  readonly keys: number
  readonly thinkMs: number
}

/** A client that takes one lock at a time, now or never, and writes down what it was told and when. Its locks last until they are released. */
export async function runPlainClient(ports: PlainPorts): Promise<void> {
  const { actor, isOver } = ports
  const tokens = new Map<string, number>()
  let requests = 0
  while (!isOver()) {
    await actor.think(ports.thinkMs * 4)
    if (isOver()) return
    const key = `plain-${actor.prng.between(1, ports.keys)}`
    const input = draw(actor, tokens.get(key) ?? null, ++requests)
    const output = await perform(ports, key, input)
    if (output?.type === 'granted') tokens.set(key, output.token)
    if (output?.type === 'busy' || (output?.type === 'seen' && output.holder !== null)) tokens.set(key, output.holder?.token ?? 0)
  }
}

function draw({ id: client, prng }: Actor<LockApi>, token: number | null, request: number): Asked {
  const kind = prng.float()
  if (kind < 0.4) return { type: 'acquire', client, request }
  if (kind < 0.7) return { type: 'release', client, token: prng.chance(0.6) ? token : null }
  if (kind < 0.85 && token !== null && token > 0) return { type: 'check', token }
  return { type: 'look' }
}

/** Null when nothing is known of the outcome, or nothing was done. */
async function perform({ actor, history, did }: PlainPorts, key: string, input: Asked): Promise<PlainOutput | null> {
  const operation = history.call({ client: actor.id, key, input })
  did(`plain-${input.type}`)
  const { told } = await actor.call(`plain-${input.type}`, (locks, call) => ask(locks, call, key, input))
  if (told.ok) {
    history.returned(operation, told.value)
    return told.value
  }
  // What is said not to have been carried out leaves the history.
  if (told.error.code !== 'unknown') history.refused(operation)
  // Of one that was given up the service may take back what it was granted.
  else if (input.type === 'acquire') history.call({ client: actor.id, key, input: { ...input, type: 'give-back' } })
  return null
}

type Asked = Exclude<PlainInput, { type: 'give-back' }>
type Asking = Parameters<LockApi['acquire']>[1]

async function ask(locks: LockApi, call: Asking, key: string, input: Asked): Promise<Told<PlainOutput>> {
  switch (input.type) {
    case 'acquire': {
      const told = await locks.acquire({ resource_id: key, client_id: input.client, ttl_ms: day, wait_ms: 0 }, call)
      if (told.ok && told.value.status === 'granted') return { ok: true, value: { type: 'granted', token: told.value.fencing_token } }
      if (told.ok) throw new Error(`a request that does not wait is ${told.value.status}`)
      if (told.error.code !== 'lock_timeout') return told
      const [holder] = told.error.details.holders
      if (holder === undefined) throw new Error('a lock is refused that nobody holds')
      return { ok: true, value: { type: 'busy', holder: { client: holder.client_id, token: holder.fencing_token } } }
    }
    case 'release': {
      const meant = input.token === null ? {} : { fencing_token: input.token }
      const told = await locks.release({ resource_id: key, client_id: input.client, ...meant }, call)
      if (told.ok) return { ok: true, value: { type: 'released' } }
      const isHeld = told.error.code !== 'not_holder' && told.error.code !== 'unknown_resource'
      return isHeld ? told : { ok: true, value: { type: 'not-holder' } }
    }
    case 'check': {
      const told = await locks.check({ resource_id: key, fencing_token: input.token }, call)
      return told.ok ? { ok: true, value: { type: 'checked', valid: told.value.valid } } : told
    }
    case 'look': {
      const told = await locks.lock({ resource_id: key }, call)
      if (!told.ok) return told
      const [holder] = told.value.holders
      return {
        ok: true,
        value: { type: 'seen', holder: holder === undefined ? null : { client: holder.client_id, token: holder.fencing_token } },
      }
    }
  }
}

/** Longer than any run. */
const day = 86_400_000
