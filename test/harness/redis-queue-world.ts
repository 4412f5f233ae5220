import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import type { Deliveries } from '#api/queues/consume.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import { catalogueGroup, queueSlots } from '#services/queue/limits.ts'
import type { OperatorApi } from '#api/common/operators.ts'
import { QueueServer } from '#services/queue/queue-server.ts'
import type { QueueService } from '#services/queue/queue-service.ts'
import type { Machine } from '#sim/world/machine.ts'
import { RedisWorld } from './redis-world.ts'
import { TestCall } from './service-world.ts'
import { Admission } from '#services/common/admission.ts'

/** The queue service on simulated machines, with its slots in a simulated Redis. */
export class RedisQueueWorld {
  static readonly names = ['a', 'b', 'c'] as const
  readonly redis: RedisWorld
  readonly #servers = new Map<string, QueueServer>()
  /** What each node has counted in its present life, by name and what changed. */
  readonly #counts = new Map<string, Map<string, number>>()

  private constructor() {
    this.redis = new RedisWorld({
      names: RedisQueueWorld.names,
      slots: catalogueGroup,
      hooks: (name, machine) => this.#serve(name, machine),
      machineFor: (group, name) => present(this.#servers.get(name), 'a node serves').newMachine(group),
    })
  }

  /** Once every slot has an owner, and no slot moves any more. */
  static async start(): Promise<RedisQueueWorld> {
    const world = new RedisQueueWorld()
    await world.run(5_000)
    world.redis.settled()
    return world
  }

  operators(name: string): OperatorApi {
    return present(this.#servers.get(name), 'the node exists').nodeApi.operators
  }

  queues(name: string): QueueService {
    return present(this.#servers.get(name), 'the node exists').queues
  }

  counted(name: string, change: string): number {
    return this.#counts.get(name)?.get(change) ?? 0
  }

  /** The node that serves the slot. */
  ownerOf(slot: number): string {
    return this.redis.settled(slot)
  }

  others(name: string): readonly string[] {
    return RedisQueueWorld.names.filter((each) => each !== name)
  }

  /** Time passes a little at a time, so that promises keep up with it. */
  async run(ms: number): Promise<void> {
    const end = this.redis.scheduler.now + ms
    while (this.redis.scheduler.now < end) {
      this.redis.run(Math.min(5, end - this.redis.scheduler.now))
      await new Promise(setImmediate)
    }
  }

  /** What a call comes to. */
  async answer<T>(promise: Promise<T>, withinMs = 20_000): Promise<T> {
    const answers: T[] = []
    void promise.then((answer) => answers.push(answer))
    const end = this.redis.scheduler.now + withinMs
    while (answers.length === 0 && this.redis.scheduler.now < end) await this.run(5)
    return present(answers[0], 'the call is answered in time')
  }

  async produce(name: string, queue: string, ...values: readonly unknown[]): Promise<string[]> {
    const messages = values.map((value) => ({ message: Buffer.from(JSON.stringify(value)) as unknown as JsonBytes }))
    const produced = await this.answer(this.queues(name).produce({ queue, messages }, new TestCall()))
    if (!produced.ok) throw new Error(produced.error.code)
    return produced.value.map((item) => (item.ok ? item.value.message_id : item.error.code))
  }

  async consume(
    name: string,
    queue: string,
    more: { readonly max?: number; readonly wait_ms?: number; readonly visibility_ms?: number } = {},
  ): Promise<readonly { readonly said: unknown; readonly deliveries: number; readonly id: string }[]> {
    const asked = this.queues(name).consume({ queue, consumer_id: 'c', max: 10, wait_ms: 0, ...more }, new TestCall())
    const consumed = await this.answer(asked, 90_000)
    if (!consumed.ok) throw new Error(consumed.error.code)
    return consumed.value.messages.map(read)
  }

  async ack(name: string, id: string): Promise<string> {
    const acked = await this.answer(this.queues(name).ack({ refs: [{ message_id: id, lease: null }] }, new TestCall()))
    if (!acked.ok) throw new Error(acked.error.code)
    return acked.value.map((item) => (item.ok ? item.value.status : item.error.code)).join()
  }

  #serve(name: string, machine: Machine): QueueServer {
    const prng = new Prng(machine.life + 1)
    const counts = new Map<string, number>()
    this.#counts.set(name, counts)
    const admission = new Admission({ clock: machine, prng: new Prng(1), telemetry: silentTelemetry })
    const server = new QueueServer({
      admission,
      slots: queueSlots,
      node: () => this.redis.get(name).node,
      name,
      version: '0.0.0',
      hasRoom: () => true,
      clock: machine,
      prng,
      entropy: { hex: (bytes) => Array.from({ length: bytes }, () => prng.between(16, 255).toString(16)).join('') },
      telemetry: {
        ...silentTelemetry,
        count: (_, { change = '' }, by = 1) => counts.set(change, (counts.get(change) ?? 0) + by),
      },
      storage: async () => ({ used: 0, free: null, durable: true }),
    })
    this.#servers.set(name, server)
    return server
  }
}

const read = ({ message, delivery_count: deliveries, message_id: id }: Deliveries['messages'][number]) => ({
  said: JSON.parse(Buffer.from(message).toString()) as unknown,
  deliveries,
  id,
})
