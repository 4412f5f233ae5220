import { err, ok } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import { noLeader, unavailable, unknownOutcome } from '#api/common/faults.ts'
import { applicationAgent } from '#core/cache/application.ts'
import { namespaceOf } from '#core/cache/memory-state.ts'
import type { SlotId } from '#core/cache/types.ts'
import { cacheKey, slotId } from '#core/cache/types.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { Told } from '#sim/clients/calls.ts'
import type { Answered, CacheNode, ClientPorts } from './client-ports.ts'
import { clearedNamespace } from './options.ts'

/** Now and then clears a namespace, slot by slot, over a connection to whichever node is home. */
export async function runClearer(ports: ClientPorts, thinkMs: number, slots: number): Promise<void> {
  const { actor, isOver, did } = ports
  for (;;) {
    await actor.think(thinkMs)
    if (isOver()) return
    did('clear')
    for (let slot = 1; slot <= slots; slot++) await clearSlot(ports, slotId(slot), slots)
  }
}

async function clearSlot({ actor, claims, keys, nodes, did, isOver }: ClientPorts, slot: SlotId, slots: number): Promise<void> {
  const inside = keys.map(cacheKey).filter((key) => namespaceOf(key) === clearedNamespace && slotOf(key, 0, slots) === slot)
  for (let attempts = 0; attempts < attemptsMax && !isOver(); attempts++) {
    const clearance = claims.clearing(inside)
    const at = actor.prng.pick(nodes())
    const { told } = await actor.call(`clear slot ${slot}`, (node, call) => clearAt(node, slot, call), { at })
    if (told.ok) {
      did('told-cleared')
      return claims.cleared(actor.id, clearance)
    }
    // What may have been carried out is not asked for again.
    if (told.error.code === 'unknown') return undefined
    await actor.think(50)
  }
  return undefined
}

/** As an application has it done, which is an agent that says nothing else. */
function clearAt({ clients }: CacheNode, slot: SlotId, { signal }: Call): Answered<null> {
  if (clients.welcome() === null) return Promise.resolve(err(unavailable('this node belongs to no cluster yet')))
  return new Promise((resolve) => {
    const end = (told: Told<null>): void => {
      signal.removeEventListener('abort', aborted)
      resolve(told)
      peer.gone()
    }
    const aborted = (): void => end(err(unknownOutcome()))
    const peer = clients.serve({
      send: (message) => {
        if (message.type === 'cleared') end(ok(null))
        if (message.type === 'failed') end(err(message.code === 'no_leader' ? noLeader() : unknownOutcome()))
      },
      close: () => end(err(unavailable('the connection was closed'))),
    })
    signal.addEventListener('abort', aborted)
    peer.received({ type: 'enter', agent: applicationAgent('c'.repeat(32)) })
    peer.received({ type: 'clear', call: 1, slot, namespace: clearedNamespace })
  })
}

const attemptsMax = 12
