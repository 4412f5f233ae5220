import type { Deliveries, Delivery } from '#api/queues/consume.ts'
import type { QueueApi } from '#api/queues/queue-api.ts'
import type { Told } from '#sim/clients/calls.ts'
import type { ClientPorts } from './client-ports.ts'
import { deadQueue } from './options.ts'
import { Settler } from './settler.ts'

/** Takes messages and settles them, one way or another; now and then it is too late, gives up, stands still, or dies with what it has. */
export async function runConsumer(ports: ClientPorts): Promise<void> {
  const { actor, options, isOver } = ports
  const names = [...options.queues.map(({ name }) => name), deadQueue]
  // Always of the same length, so that a copy of an extension that comes late never shortens a lease.
  const settler = new Settler(ports, actor.prng.pick([2_000, 5_000, 10_000]))
  let queue = actor.prng.pick(names)
  while (!isOver()) {
    await actor.think(options.consumeThinkMs)
    if (isOver()) return
    if (actor.prng.chance(0.15)) queue = actor.prng.pick(names)
    const deliveries = await take(ports, queue, settler)
    if (deliveries.length > 1 && actor.prng.chance(0.6)) await finishAll(ports, settler, deliveries)
    else for (const delivery of deliveries) await finish(ports, settler, delivery)
  }
}

async function take(ports: ClientPorts, queue: string, settler: Settler): Promise<readonly Delivery[]> {
  const { actor, did, claims, stoppedSince } = ports
  const waitMs = actor.prng.pick([0, 0, 2_000, 8_000])
  const max = actor.prng.pick([1, 1, 3, 10])
  did(waitMs === 0 ? 'consume' : 'consume-wait')
  const end = waitMs === 0 ? null : drawEnd(ports)
  const patience = { patienceMs: waitMs + 6_000, ...(end === null ? {} : { hangUpAfterMs: actor.prng.float() * waitMs }) }
  const request = { queue, consumer_id: actor.id, max, wait_ms: waitMs, visibility_ms: settler.visibilityMs }
  const { told, sentAt } = await actor.call('consume', (queues, call) => queues.consume(request, call), patience, giveBack)
  if (end === 'vanish') actor.die()
  if (!told.ok) {
    if (told.error.code === 'unknown_queue') did('told-unknown-queue')
    return []
  }
  const { messages, paused } = told.value
  if (messages.length === 0 && !paused && !stoppedSince(sentAt)) claims.empty(queue, sentAt)
  for (const delivery of messages) settler.has(delivery, sentAt)
  return messages
}

/** What becomes of a consumer while it waits. */
function drawEnd({ actor, options, did }: ClientPorts): 'hang-up' | 'vanish' | null {
  const end = actor.prng.chance(options.hangUpShare) ? 'hang-up' : actor.prng.chance(options.crashShare) ? 'vanish' : null
  if (end !== null) did(end)
  return end
}

/** As whoever carries the calls does with what it could not write. */
const giveBack = (queues: QueueApi, told: Told<Deliveries>): void => {
  if (told.ok && told.value.messages.length > 0) queues.undelivered(told.value.messages.map(({ receipt }) => receipt))
}

async function finishAll({ actor, options, did }: ClientPorts, settler: Settler, deliveries: readonly Delivery[]): Promise<void> {
  await actor.think(options.consumeThinkMs)
  did('ack-many')
  await settler.ack(deliveries, { byReceipt: actor.prng.chance(0.9) })
}

async function finish(ports: ClientPorts, settler: Settler, delivery: Delivery): Promise<void> {
  const { actor, options, did } = ports
  const { prng } = actor
  await actor.think(options.consumeThinkMs / 2)
  const one = [delivery]
  if (prng.chance(options.crashShare)) {
    did('die')
    actor.die()
  }
  if (prng.chance(options.freezeShare)) {
    did('freeze')
    actor.freeze(settler.visibilityMs * (0.8 + prng.float()))
  }
  if (prng.chance(options.abandonShare)) return did(prng.chance(0.5) ? 'abandon' : await late(ports, settler, delivery))
  if (prng.chance(options.rejectShare)) return settler.nack(one, 'reject')
  if (prng.chance(options.failShare)) return settler.nack(one, prng.pick(['fail', 'fail', 'release']))
  if (prng.chance(0.02)) return settler.extend(one, { release: true })
  if (prng.chance(0.1)) {
    await settler.extend(one)
    await actor.think(settler.visibilityMs / 2)
  }
  did('ack')
  return settler.ack(one, { byReceipt: prng.chance(0.9) })
}

/** When its lease is over. */
async function late({ actor }: ClientPorts, settler: Settler, delivery: Delivery): Promise<string> {
  await actor.sleep(settler.visibilityMs * (0.9 + actor.prng.float()))
  const kind = actor.prng.pick(['ack', 'ack-by-id', 'nack', 'extend'] as const)
  if (kind === 'nack') await settler.nack([delivery], 'fail')
  else if (kind === 'extend') await settler.extend([delivery])
  else await settler.ack([delivery], { byReceipt: kind === 'ack' })
  return `late-${kind}`
}
