import { present } from '#base/assert.ts'
import type { Result } from '#base/result.ts'
import type { Delivery } from '#api/queues/consume.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { slotOf } from '#core/ring/partition.ts'
import { queueSlots } from '#services/queue/limits.ts'
import type { QueueServer } from '#services/queue/queue-server.ts'
import { QueueWorld } from './queue-world.ts'
import { TestCall } from './service-world.ts'
import type { WorldNode } from './service-world.ts'

const body = Buffer.from('{"n":1}') as Uint8Array as JsonBytes

/** Producers and consumers of one message at a time, at any node. */
export class QueueScene {
  readonly world: QueueWorld

  private constructor(world: QueueWorld) {
    this.world = world
  }

  static async start(): Promise<QueueScene> {
    return new QueueScene(await QueueWorld.start())
  }

  async told<T>(answer: Promise<Result<T, { readonly code: string }>>): Promise<T> {
    const told = await this.world.answer(answer)
    return present(told.ok ? told.value : null, told.ok ? '' : told.error.code)
  }

  /** The id, or the code of what it was refused with. */
  async produce(node: string, queue: string): Promise<string> {
    const told = await this.world.answer(this.world.queues(node).produce({ queue, messages: [{ message: body }] }, new TestCall()))
    if (!told.ok) return told.error.code
    const [item] = told.value
    return item?.ok === true ? item.value.message_id : (item?.error.code ?? '')
  }

  async consume(node: string, queue: string, waitMs = 0): Promise<Delivery | undefined> {
    const asked = { queue, consumer_id: 'c', max: 1, wait_ms: waitMs, visibility_ms: 5_000 }
    return (await this.told(this.world.queues(node).consume(asked, new TestCall()))).messages[0]
  }

  async ack(node: string, id: string): Promise<string> {
    const [item] = await this.told(this.world.queues(node).ack({ refs: [{ message_id: id, lease: null }] }, new TestCall()))
    return item?.ok === true ? item.value.status : (item?.error.code ?? '')
  }

  ownerOf(queue: string): Promise<WorldNode<QueueServer>> {
    return this.world.leaderOf(slotOf(queue, 0, queueSlots))
  }

  /** The node that has the queue is killed; one that is left. */
  async killOwner(queue: string): Promise<string> {
    this.world.crash(await this.ownerOf(queue))
    await this.world.run(3_000)
    return present(
      this.world.nodes.find(({ down }) => !down),
      'two are left',
    ).name
  }
}
