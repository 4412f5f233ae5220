import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { queueRoutes as routes } from '#api/queues/routes.ts'
import { jsonOf } from '#cli/flags/json-value.ts'
import { sendSignal } from '#cli/hold/processes.ts'
import type { DemoNode, Setting, Three } from './setting.ts'
import type { Stage } from './stage.ts'

/** Messages by way of all nodes, and a consumer that dies with one. */
export async function queuePart(stage: Stage, setting: Setting): Promise<void> {
  const queue = `orders-${setting.tag}`
  try {
    await carried(stage, setting.queue, queue)
    await redelivered(stage, setting.queue, queue)
  } finally {
    await stage.quietly(setting.queue[0], routes.deleteQueue, { queue })
  }
}

/** What is ready and in flight, as one node says. */
async function depthOf(stage: Stage, node: DemoNode, queue: string): Promise<string | null> {
  const reply = await stage.quietly(node, routes.queue, { queue })
  return reply.type === 'answered' ? `${reply.body.ready} ready, ${reply.body.in_flight} in flight` : null
}

const depthIs = (stage: Stage, node: DemoNode, { queue, depth }: { readonly queue: string; readonly depth: string }): Promise<true> =>
  stage.until(`${node.id} says: ${depth}`, async () => ((await depthOf(stage, node, queue)) === depth ? true : null))

async function carried(stage: Stage, nodes: Three, queue: string): Promise<void> {
  await stage.step('an order is sent at each node')
  const sent: string[] = []
  for (const [at, node] of nodes.entries()) {
    const reply = await stage.answered(node, routes.produce, { queue, message: jsonOf(`New order #${at + 1}`, true) })
    if ('message_id' in reply) sent.push(reply.message_id)
  }
  stage.check('three messages, each with an id of its own', new Set(sent).size === nodes.length)
  await depthIs(stage, nodes[1], { queue, depth: '3 ready, 0 in flight' })

  await stage.step('each node hands one out, and the next node is told that it is done')
  const seen: string[] = []
  for (const [at, node] of nodes.entries()) {
    const reply = await stage.answered(node, routes.consume, { queue, consumer_id: 'order_processor', wait_ms: waitMs })
    if (!('message_id' in reply)) continue
    seen.push(reply.message_id)
    await stage.answered(nodes[(at + 1) % nodes.length] ?? node, routes.ack, { receipt: reply.receipt })
  }
  stage.check('all three came, and each of them once', seen.toSorted().join() === sent.toSorted().join())
  const empty = await stage.answered(nodes[2], routes.consume, { queue, consumer_id: 'order_processor' })
  stage.check(`${nodes[2].id} has nothing more`, empty.status === 'empty')
  await depthIs(stage, nodes[0], { queue, depth: '0 ready, 0 in flight' })
}

const waitMs = 5_000
const visibilityMs = 3_000

async function redelivered(stage: Stage, [first, second, third]: Three, queue: string): Promise<void> {
  await stage.step(`a consumer, a process of its own, takes an order for ${visibilityMs / 1_000} s`)
  const reply = await stage.answered(first, routes.produce, { queue, message: jsonOf('New order #4', true) })
  const sent = 'message_id' in reply ? reply.message_id : ''
  const args = ['consume', queue, '--follow', '--keep', '--visibility', `${visibilityMs}ms`, '--consumer', 'careless', '--url', second.url]
  stage.show(`$ lockstep ${args.join(' ')} &`)
  const consumer = spawn(process.execPath, [process.argv[1] ?? '', ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  const exited = once(consumer, 'exit')
  try {
    await once(consumer.stdout, 'data', { signal: stage.signal })
    await depthIs(stage, third, { queue, depth: '0 ready, 1 in flight' })
    await stage.step('it is killed before it has done anything with it')
    stage.show(`$ kill -KILL ${consumer.pid ?? ''}`)
  } finally {
    consumer.kill('SIGKILL')
    await exited
  }
  stage.check(`process ${consumer.pid ?? ''} is dead`, !sendSignal(consumer.pid ?? 0, 0))

  await stage.step(`another consumer waits at ${third.id}`)
  const again = await stage.answered(
    third,
    routes.consume,
    { queue, consumer_id: 'careful', wait_ms: 4 * visibilityMs },
    { timeoutMs: 30_000 },
  )
  const same = 'message_id' in again && again.message_id === sent
  stage.check('the same message comes again, as its second delivery', same && 'delivery_count' in again && again.delivery_count === 2)
  if ('receipt' in again) await stage.answered(first, routes.ack, { receipt: again.receipt })
  await depthIs(stage, second, { queue, depth: '0 ready, 0 in flight' })
}
