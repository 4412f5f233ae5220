import type { ClientPorts } from './client-ports.ts'
import { isPassing } from './client-ports.ts'
import type { QueuePlan } from './options.ts'
import { deadQueue } from './options.ts'

/** Who runs the queues: creates them, sets them anew, looks at them, gives dead letters another chance, and now and then empties or deletes one. */
export async function runOperator(ports: ClientPorts): Promise<void> {
  const { actor, options, isOver } = ports
  for (const plan of [...options.queues, options.dead]) await put(ports, plan, 'create')
  while (!isOver()) {
    await actor.think(options.operatorThinkMs)
    if (isOver()) return
    const plan = actor.prng.pick(options.queues)
    const any = actor.prng.chance(0.3) ? deadQueue : plan.name
    const kind = actor.prng.float()
    if (kind < 0.15) await put(ports, plan, 'configure')
    else if (kind < 0.25 && options.pauses) await pause(ports, plan.name)
    else if (kind < 0.5) await redrive(ports, any)
    else if (kind < 0.55) await simply(ports, 'cancel-redrive', (queues, call) => queues.cancelRedrive({ queue: any }, call))
    else if (kind < 0.6 && options.purges) {
      await simply(ports, 'purge', (queues, call) => queues.purge({ queue: any, dead: actor.prng.chance(0.5) }, call))
    } else if (kind < 0.63 && options.deletes) await deleteQueue(ports, plan)
    else if (kind < 0.75) await peek(ports, any)
    else if (kind < 0.85) await cancelScheduled(ports, plan.name)
    else await look(ports, any)
  }
}

async function put(ports: ClientPorts, { name, partitions, settings }: QueuePlan, word: 'create' | 'configure'): Promise<void> {
  const { actor, did, isOver } = ports
  did(word)
  const change = { queue: name, partitions, ...actor.prng.pick(settings) }
  for (let isDone = false; !isDone && !isOver();) {
    const { told } = await actor.call(word, (queues, call) => queues.putQueue(change, call))
    // Some do not ask again what became of it: then nobody but the service sees to it that all slots have it.
    const leaves = !told.ok && told.error.code === 'unknown' && word === 'configure' && actor.prng.chance(0.7)
    // Its first message came first, or the queue was made again by it: then it has one partition.
    isDone = leaves || told.ok || (told.error.code !== 'unknown' && !isPassing(told.error))
    if (!told.ok && told.error.code === 'partitions_fixed') did('told-partitions-fixed')
    if (!isDone) await actor.sleep(300)
  }
}

async function pause({ actor, did, isOver }: ClientPorts, queue: string): Promise<void> {
  did('pause')
  await actor.call('pause', (queues, call) => queues.putQueue({ queue, paused: true }, call))
  await actor.think(2_000)
  for (let isDone = false; !isDone && !isOver();) {
    const { told } = await actor.call('resume', (queues, call) => queues.putQueue({ queue, paused: false }, call))
    isDone = told.ok
    if (!isDone) await actor.sleep(300)
  }
}

async function redrive(ports: ClientPorts, queue: string): Promise<void> {
  const { actor } = ports
  const from = queue === deadQueue && actor.prng.chance(0.7) ? 'ready' : 'dead'
  const terms = { ...actor.prng.pick([{}, { rate: 2 }, { rate: 50, max: 20 }]), from } as const
  await simply(ports, `redrive-${from}`, (queues, call) => queues.redrive({ queue, ...terms }, call))
}

/** Deleted, and made again at once by whoever comes first. */
async function deleteQueue(ports: ClientPorts, plan: QueuePlan): Promise<void> {
  await simply(ports, 'delete', (queues, call) => queues.deleteQueue({ queue: plan.name }, call))
  await put(ports, plan, 'create')
}

async function peek({ actor, claims, did }: ClientPorts, queue: string): Promise<void> {
  did('peek')
  const state = actor.prng.pick(['ready', 'in-flight', 'dead'] as const)
  const { told, sentAt } = await actor.call('peek', (queues, call) => queues.peek({ queue, state }, call))
  if (told.ok) for (const { message_id: id, message } of told.value.messages) claims.seen(id, message, sentAt)
}

async function cancelScheduled({ actor, claims, did }: ClientPorts, queue: string): Promise<void> {
  did('scheduled')
  const { told, sentAt } = await actor.call('scheduled', (queues, call) => queues.scheduled({ queue }, call))
  if (!told.ok) return
  for (const { message_id: id, message } of told.value.messages) claims.seen(id, message, sentAt)
  const [first] = told.value.messages
  if (first === undefined) return
  did('cancel')
  const ids = [first.message_id]
  const cancelled = await actor.call('cancel', (queues, call) => queues.cancel({ message_ids: ids }, call))
  const [result] = cancelled.told.ok ? cancelled.told.value : []
  if (result?.ok === true) claims.cancelled(first.message_id)
}

async function look({ actor, did }: ClientPorts, queue: string): Promise<void> {
  did('look')
  if (actor.prng.chance(0.5)) await actor.call('queue', (queues, call) => queues.queue({ queue }, call))
  else await actor.call('status', (queues, call) => queues.status({}, call))
}

async function simply(ports: ClientPorts, what: string, ask: Parameters<typeof ports.actor.call<unknown>>[1]): Promise<void> {
  ports.did(what)
  await ports.actor.call(what, ask)
}
