import type { QueueView } from '#api/queues/queues.ts'
import type { ClientPorts } from './client-ports.ts'
import type { Ledger } from './ledger.ts'
import { Settler } from './settler.ts'

/**
 * When nobody asks for anything any more: the numbers that people see are held against the log, then every message is delivered and acked, what
 * is dead among them. Goes on until nothing is left.
 */
export async function drain(ports: ClientPorts, ledger: Ledger): Promise<void> {
  const { actor } = ports
  await count(ports, ledger)
  const settler = new Settler(ports, 5_000)
  while (ledger.alive.length > 0) {
    for (const { queue } of await all(ports)) {
      // Neither limits nor targets keep anything from coming out.
      const open = { queue, paused: false, dead_letter_queue: null, max_failures: 0, max_length: null, ttl_ms: null }
      await actor.call('open', (queues, call) => queues.putQueue(open, call))
      await actor.call('stop-redrive', (queues, call) => queues.cancelRedrive({ queue }, call))
      await actor.call('redrive', (queues, call) => queues.redrive({ queue, from: 'dead' }, call))
      while (await takeAll(ports, settler, queue));
    }
    await actor.sleep(500)
  }
}

/** The log hardly changes any more, but for leases that end and dead letters that move. */
async function count(ports: ClientPorts, ledger: Ledger): Promise<void> {
  for (;;) {
    const { commands } = ledger.sums
    const views = await all(ports)
    if (ledger.sums['commands'] === commands) return views.forEach((view) => ports.claims.counted(view))
    await ports.actor.sleep(500)
  }
}

async function all({ actor }: ClientPorts): Promise<readonly QueueView[]> {
  for (;;) {
    const { told } = await actor.call('queues', (queues, call) => queues.queues({}, call))
    if (told.ok && told.value.missing_slots.length === 0) return told.value.queues
    await actor.sleep(200)
  }
}

async function takeAll({ actor, claims }: ClientPorts, settler: Settler, queue: string): Promise<boolean> {
  const request = { queue, consumer_id: actor.id, max: 100, wait_ms: 300, visibility_ms: settler.visibilityMs }
  const { told, sentAt } = await actor.call('drain', (queues, call) => queues.consume(request, call))
  if (!told.ok) return told.error.code !== 'unknown_queue'
  if (told.value.messages.length === 0) claims.empty(queue, sentAt)
  for (const delivery of told.value.messages) settler.has(delivery, sentAt)
  await settler.ack(told.value.messages, { byReceipt: true })
  return told.value.messages.length > 0
}
