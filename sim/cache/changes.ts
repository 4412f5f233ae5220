import { err, ok } from '#base/result.ts'
import type { Fault } from '#api/errors.ts'
import type { JsonBytes } from '#api/schemas.ts'
import type { Call } from '#api/call.ts'
import type { Told } from '#sim/clients/calls.ts'
import type { SimNode } from '#sim/cluster.ts'
import type { CacheInput } from './cache-model.ts'
import type { Claim, Told as Value } from './claims.ts'
import type { Answered, CacheNode, ClientPorts, Done } from './client-ports.ts'

/** A change of a key: what it is to a node, and what it is to who judges. */
export interface Change {
  readonly key: string
  readonly input: CacheInput
  /** An owner may answer it by itself. */
  readonly owner: boolean
  readonly send: (node: CacheNode, identity: Identity, call: Call) => Answered<Done>
}

interface Identity {
  readonly operation_id?: string
}

/** What a change may be bound to, and how long the value lives. */
export interface WriteTerms {
  readonly ttl_ms?: number
  readonly ack?: 'replicated' | 'owner'
  readonly if_absent?: boolean
  readonly if_version?: Value
}

export function write(key: string, value: number, { if_version: over, ...terms }: WriteTerms = {}): Change {
  const condition = over === undefined ? {} : { if_version: over.version }
  const input: CacheInput =
    over === undefined
      ? { type: terms.if_absent === true ? 'create' : 'set', value }
      : { type: 'replace', expected: over.value ?? NaN, value }
  return {
    key,
    input,
    owner: terms.ack === 'owner',
    send: async ({ cache, agent }, identity, call) => {
      const written = await cache.write({ key, value: bytesOf(value), ...terms, ...condition, ...identity }, call)
      return written.ok ? ok({ version: written.value.version, number: null, agent }) : written
    },
  }
}

export function remove(key: string, over: Value | null): Change {
  const condition = over === null ? {} : { if_version: over.version }
  return {
    key,
    input: over === null ? { type: 'delete' } : { type: 'delete-if', expected: over.value ?? NaN },
    owner: false,
    send: async ({ cache, agent }, identity, call) => {
      const deleted = await cache.delete({ key, ...condition, ...identity }, call)
      return deleted.ok ? ok({ version: deleted.value.version, number: null, agent }) : deleted
    },
  }
}

export const add = (key: string, by: number): Change => ({
  key,
  input: { type: 'add', by },
  owner: false,
  send: async ({ cache, agent }, identity, call) => {
    const added = await cache.increment({ key, by, ...identity }, call)
    return added.ok ? ok({ version: added.value.version, number: added.value.value, agent }) : added
  },
})

/** Reads a key; null when nobody knows. */
export async function readKey(ports: ClientPorts, key: string, at?: SimNode): Promise<Value | null> {
  const { actor, claims, did } = ports
  did('read')
  const claim = claims.called(actor.id, key, { type: 'read' })
  const read = async ({ cache }: CacheNode, call: Call): Answered<Value & { readonly hit: boolean }> => {
    const answer = await cache.read({ key }, call)
    if (!answer.ok) return answer
    const { value, version, hit } = answer.value
    return ok({ value: value === null ? null : Number(Buffer.from(value).toString()), version, hit })
  }
  const { told } = await actor.call(`read ${key}`, read, at === undefined ? {} : { at })
  if (!told.ok) {
    claims.refused(claim)
    return null
  }
  if (told.value.hit) did('hit')
  claims.read(claim, told.value)
  return told.value
}

/** Carries a change out; null when it was not, or nobody knows. One that has an id is sent again, over any node, until its outcome is known. */
export async function change(
  ports: ClientPorts,
  wanted: Change,
  { once = false, at }: { once?: boolean; at?: SimNode } = {},
): Promise<Value | null> {
  const { actor, claims, did, isOver } = ports
  const { key, input, send } = wanted
  const claim = claims.called(actor.id, key, input)
  const identity = once ? { operation_id: `${actor.id}-${claim.id}` } : {}
  const until = actor.now + rememberedMs
  let isDoubtful = false
  for (;;) {
    const { told } = await actor.call(`${input.type} ${key}`, (node, call) => send(node, identity, call), at === undefined ? {} : { at })
    isDoubtful ||= !told.ok && told.error.code === 'unknown'
    const isKnown = told.ok || isFinal(told.error)
    if (isKnown || !once || actor.now > until || isOver()) return settle(ports, claim, { told, wanted, isDoubtful })
    did('send-again')
    await actor.think(300)
  }
}

/** Of several changes at one node, side by side. */
export async function changeMany(ports: ClientPorts, wanted: readonly Change[]): Promise<void> {
  const { actor, claims } = ports
  const parts = wanted.map((each, at) => ({ each, claim: claims.called(`${actor.id}/${at}`, each.key, each.input) }))
  const { told } = await actor.call('batch', async (node, call) => ok(await Promise.all(wanted.map(({ send }) => send(node, {}, call)))))
  for (const [at, { each, claim }] of parts.entries()) {
    const one = told.ok ? (told.value[at] ?? err(unanswered)) : told
    settle(ports, claim, { told: one, wanted: each, isDoubtful: !one.ok && one.error.code === 'unknown' })
  }
}

interface Ending {
  readonly told: Told<Done>
  readonly wanted: Change
  /** Some attempt may have been carried out. */
  readonly isDoubtful: boolean
}

function settle({ claims, did }: ClientPorts, claim: Claim, { told, wanted, isDoubtful }: Ending): Value | null {
  if (told.ok) {
    const { version, number, agent } = told.value
    const where = claims.changed(claim, { version, value: number }, wanted.owner ? agent : null)
    if (where === 'owed') did('answered-by-the-owner')
    const { input } = claim
    return { version, value: input.type === 'add' ? number : 'value' in input ? input.value : null }
  }
  const { code } = told.error
  if (code === 'version_mismatch') {
    did('told-mismatch')
    claims.mismatch(claim)
  } else if (isDoubtful) did('told-unknown')
  else {
    if (code === 'memory_full') did('told-memory-full')
    claims.refused(claim)
  }
  return null
}

/** Nothing else will come of it. */
const isFinal = ({ code }: Fault): boolean =>
  code === 'version_mismatch' || code === 'memory_full' || code === 'not_a_number' || code === 'number_out_of_range'

const unanswered: Fault<'unknown'> = { code: 'unknown', message: 'not among the answers', details: {} }

/** What has an id is remembered for longer. */
const rememberedMs = 40_000

export const bytesOf = (value: number): JsonBytes => Buffer.from(String(value)) as Uint8Array as JsonBytes
