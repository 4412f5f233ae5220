import { ok } from '#base/result.ts'
import { unavailable } from '#api/common/faults.ts'
import type { Call } from '#api/call.ts'
import type { Answer } from '#core/cache/agent-state.ts'
import { describeVersion } from '#core/cache/describe.ts'
import type { Change, Grant, Handle, Outcome } from '#core/cache/types.ts'
import { handle } from '#core/cache/types.ts'
import type { CacheInput } from './cache-model.ts'
import { bytesOf } from './changes.ts'
import type { Claim } from './claims.ts'
import type { Answered, CacheNode, ClientPorts } from './client-ports.ts'
import { Resident } from './client-ports.ts'
import { numberOf } from './ledger.ts'
import type { Answerer } from './own-values.ts'

/** What the agent answered, and who it is. */
interface Heard<T = Answer> extends Answerer {
  readonly answer: T
}

/** Handles of the service come first. */
const firstHandle = 10

/**
 * A program that has the agent of a node in its own process: it sees what it wrote at the level `owner` before memory has it, and may be told to load
 * what is absent.
 */
export async function runResident(ports: ClientPorts, number: number): Promise<void> {
  const { actor, options, keys, isOver } = ports
  const by = handle(firstHandle + number)
  for (;;) {
    await actor.think(options.thinkMs)
    if (isOver()) return
    const key = actor.prng.pick(keys)
    const dice = actor.prng.float()
    if (dice < options.readShare) await read(ports, by, key)
    else if (dice < options.readShare + 0.15) await fill(ports, by, key)
    else await own(ports, by, key)
  }
}

async function read(ports: ClientPorts, by: Handle, key: string): Promise<void> {
  const { actor, claims, did } = ports
  did('own-read')
  const claim = claims.called(actor.id, key, { type: 'read' })
  const heard = await ask(ports, key, (resident, { signal }) => resident.read(key, false, signal), by)
  if (heard?.answer.type === 'read') tellRead(ports, claim, { ...heard, answer: heard.answer })
  else claims.refused(claim)
}

function tellRead({ claims, ownValues, did }: ClientPorts, claim: Claim, heard: Heard<Extract<Answer, { type: 'read' }>>): void {
  const { value, version } = heard.answer
  const told = { version: describeVersion(version), value: value === null ? null : numberOf(value) }
  ownValues.read(claim, told, heard)
  if (claims.readPrivately(claim, told, heard.agent)) {
    ownValues.told(claim, told.version, heard)
    did('read-of-what-only-it-may-see')
  } else claims.read(claim, told)
}

/** At the level `owner`. */
async function own(ports: ClientPorts, by: Handle, key: string): Promise<void> {
  const { did, nextValue } = ports
  did('own-write')
  const value = nextValue()
  const change: Change = { type: 'set', value: valueOf(value), ttlMs: null, condition: { type: 'none' } }
  await write(ports, by, { key, input: { type: 'set', value }, change, isOwner: true })
}

/** Whoever finds nothing may be told to load it, which takes a while, and then stores it; unless somebody has written meanwhile. */
async function fill(ports: ClientPorts, by: Handle, key: string): Promise<void> {
  const { actor, claims, did, nextValue, nodes } = ports
  did('fill')
  const at = actor.prng.pick(nodes())
  const claim = claims.called(actor.id, key, { type: 'read' })
  const heard = await ask(ports, key, (resident, { signal }) => resident.read(key, true, signal), by, at)
  if (heard?.answer.type === 'read') return tellRead(ports, claim, { ...heard, answer: heard.answer })
  claims.refused(claim)
  if (heard?.answer.type !== 'load') return
  did('told-to-load')
  await actor.think(300)
  // Some never come back.
  if (actor.prng.chance(0.2)) return
  did('store-loaded')
  const value = nextValue()
  const change: Change = { type: 'set', value: valueOf(value), ttlMs: null, condition: conditionOf(heard.answer.token) }
  await write(ports, by, { key, input: { type: 'fill', value }, change, isOwner: false, at })
}

interface Wanted {
  readonly key: string
  readonly input: CacheInput
  readonly change: Change
  readonly isOwner: boolean
  readonly at?: Parameters<typeof ask>[4]
}

async function write(ports: ClientPorts, by: Handle, { key, input, change, isOwner, at }: Wanted): Promise<void> {
  const { actor, claims } = ports
  const claim = claims.called(actor.id, key, input)
  const ack = isOwner ? 'owner' : 'replicated'
  const heard = await ask(ports, key, (resident, { signal }) => resident.write(key, { ack, change }, signal), by, at)
  if (heard === null && isOwner) claims.unanswered(claim)
  else if (heard?.answer.type === 'changed') tellChanged(ports, claim, { outcome: heard.answer.outcome, owner: isOwner ? heard : null })
}

function tellChanged(
  { claims, ownValues, did }: ClientPorts,
  claim: Claim,
  { outcome, owner }: { readonly outcome: Outcome; readonly owner: Answerer | null },
): void {
  if (outcome.type === 'done') {
    const version = describeVersion(outcome.version)
    if (claims.changed(claim, { version, value: null }, owner?.agent ?? null) === 'in-memory') return
    did('answered-by-the-owner')
    if (owner !== null) ownValues.told(claim, version, owner)
  } else if (outcome.type === 'mismatch') {
    did('told-token-lost')
    claims.mismatch(claim)
  } else if (outcome.type === 'refused') claims.refused(claim)
}

type Use = (resident: Resident, call: Call) => Promise<Answer | null>

/** Null when nobody knows. */
async function ask(
  { actor }: ClientPorts,
  what: string,
  use: Use,
  by: Handle,
  at?: ReturnType<ClientPorts['nodes']>[number],
): Promise<Heard | null> {
  const { told } = await actor.call(
    `resident ${what}`,
    async (node: CacheNode, call: Call): Answered<Heard> => {
      const { counters } = node.host.agent.state
      const lostBefore = counters.lost
      const answer = await use(new Resident(node, by), call)
      if (answer === null) return { ok: false, error: unavailable('nobody waits for it any more') }
      return ok({ answer, agent: node.agent, lostBefore, lost: counters.lost })
    },
    at === undefined ? {} : { at },
  )
  return told.ok ? told.value : null
}

const conditionOf = (token: Grant) => ({ type: 'token', token }) as const

function valueOf(number: number): { readonly size: number; readonly bytes: Uint8Array } {
  const bytes = bytesOf(number)
  return { size: bytes.length, bytes }
}
