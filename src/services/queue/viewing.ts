import { groupBy } from '#base/group-by.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { noLeader } from '#api/common/faults.ts'
import type { RingView } from '#api/common/ring.ts'
import type { Fault } from '#api/errors.ts'
import { unknownQueue } from '#api/queues/faults.ts'
import { queueApiLimits as apiLimits, queueDefaults as defaults } from '#api/queues/limits.ts'
import type { Peeked, ScheduledView } from '#api/queues/messages.ts'
import type { QueueApi, ServiceFault } from '#api/queues/queue-api.ts'
import type { QueuesQuery, QueueView } from '#api/queues/queues.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { instantOf } from '#api/schemas.ts'
import type { QueueDefinition } from '#core/queue/types.ts'
import { queueName } from '#core/queue/types.ts'
import { pointsPerWeight } from '#core/ring/limits.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { Clock } from '#ports/clock.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import { queueServiceLimits as limits } from './limits.ts'
import { settingsView } from './managing.ts'
import type { QueueCalls } from './queue-calls.ts'
import type { Asked } from './queue-path.ts'
import type { MessagesShown, MessageStat, PartitionStat, SlotQuestion } from './slot-views.ts'

export interface StorageUse {
  readonly used: number
  /** Null where that cannot be told. */
  readonly free: number | null
  /** What was answered is on disks. */
  readonly durable: boolean
}

export interface ViewingPorts {
  readonly calls: QueueCalls
  readonly node: () => SlotHost
  readonly name: string
  readonly clock: Clock
  readonly storage: () => Promise<StorageUse>
  /** Log entries with messages that are not settled, in the slots of this node. */
  readonly entries: () => number
}

type Which = Extract<SlotQuestion, { type: 'messages' }>['which']

/** What there is to see of queues: the catalogue says which there are, and the leaders of their slots how they fare. */
export class Viewing {
  readonly #ports: ViewingPorts

  constructor(ports: ViewingPorts) {
    this.#ports = ports
  }

  async queues(query: QueuesQuery): ReturnType<QueueApi['queues']> {
    const page = await this.#page(query)
    return page.ok ? ok({ node_id: this.#ports.name, ...page.value }) : page
  }

  async queue({ queue }: Parameters<QueueApi['queue']>[0]): ReturnType<QueueApi['queue']> {
    const found = await this.#find(queue)
    if (!found.ok) return found
    const definition = found.value
    const { stats, missing } = await this.#stats([definition])
    const known = new Map(stats.map((stat) => [stat.queue.partition, stat]))
    const node = this.#ports.node()
    const list = Array.from({ length: definition.partitions }, (_, partition) => {
      const slot = slotOf(definition.name, partition, this.#ports.calls.slots)
      const stat = known.get(partition)
      return {
        partition,
        slot,
        leader: missing.includes(slot) ? null : node.leaderOf(slot),
        ...countsOf(stat === undefined ? [] : [stat]),
        redrive: stat?.redrive ?? null,
      }
    })
    const { partitions: _, ...fields } = queueView(definition, stats)
    const detail = { ...fields, partitions: definition.partitions, settings: settingsView(definition.settings), partition_list: list }
    return ok({ node_id: this.#ports.name, ...detail, missing_slots: missing })
  }

  async peek({
    queue,
    state = 'ready',
    after,
    limit = defaults.messages_page,
  }: Parameters<QueueApi['peek']>[0]): ReturnType<QueueApi['peek']> {
    const page = await this.#messages(queue, { which: state, after: after ?? null, limit })
    if (!page.ok) return page
    const messages = page.value.messages.map(({ stat, partition }) => ({
      ...seen(stat, partition),
      ...(stat.consumer === null ? {} : { consumer_id: stat.consumer }),
      ...(stat.state === 'leased' && stat.untilWall !== null ? { visible_until: instantOf(stat.untilWall) } : {}),
    }))
    return ok({ queue, messages, next: page.value.next } satisfies Peeked)
  }

  async scheduled({
    queue,
    after,
    limit = defaults.messages_page,
  }: Parameters<QueueApi['scheduled']>[0]): ReturnType<QueueApi['scheduled']> {
    const page = await this.#messages(queue, { which: 'scheduled', after: after ?? null, limit })
    if (!page.ok) return page
    const messages = page.value.messages.map(({ stat, partition }) => ({
      ...seen(stat, partition),
      due_at: instantOf(stat.untilWall ?? 0),
    }))
    return ok({ queue, messages, next: page.value.next } satisfies ScheduledView)
  }

  async status(query: QueuesQuery): ReturnType<QueueApi['status']> {
    const page = await this.#page(query)
    if (!page.ok) return page
    const { name, storage, entries } = this.#ports
    const { standing } = this.#ports.node()
    const { used, free, durable } = await storage()
    const { engine, clusterId, warnings } = standing
    return ok({
      service: 'queue',
      node_id: name,
      cluster_id: clusterId,
      engine,
      ring: this.ring(),
      ...page.value,
      storage: { engine, durable, bytes_used: used, bytes_free: free, entries: entries(), warnings: [...warnings] },
    })
  }

  ring(): RingView {
    const node = this.#ports.node()
    const { standing } = node
    const { slots: slotCount } = this.#ports.calls
    const slots = Array.from({ length: slotCount }, (_, at) => {
      const slot = at + 1
      return { slot, owner: node.leaderOf(slot), term: standing.roleIn(slot).term, replicas: [...standing.holdersOf(slot)] }
    })
    const nodes = standing.members.map(({ name }) => ({
      node_id: name,
      virtual_nodes: pointsPerWeight,
      leads: slots.filter(({ owner }) => owner === name).length,
      holds: slots.filter(({ replicas }) => replicas.includes(name)).length,
    }))
    return { version: standing.tableVersion, slot_count: slotCount, nodes, slots }
  }

  /** As it is now, whatever this node remembers of it. */
  async #find(queue: string): Promise<Result<QueueDefinition, Fault<'no_leader' | 'unknown_queue'>>> {
    const view = await this.#ports.calls.directory.look({ type: 'find', name: queueName(queue) })
    if (view === null) return err(noLeader())
    return view.listing === null ? err(unknownQueue(queue)) : ok(view.listing.definition)
  }

  async #page({
    prefix = '',
    after,
    limit = defaults.page,
  }: QueuesQuery): Promise<Result<{ queues: QueueView[]; next: string | null; missing_slots: number[] }, Fault<ServiceFault>>> {
    const view = await this.#ports.calls.directory.look({ type: 'list', prefix, after: after ?? null, limit })
    if (view === null) return err(noLeader())
    const { stats, missing } = await this.#stats(view.queues)
    const byGeneration = groupBy(stats, ({ queue }) => queue.generation)
    const queues = view.queues.map((definition) => queueView(definition, byGeneration.get(definition.generation) ?? []))
    return ok({ queues, next: view.more ? (view.queues.at(-1)?.name ?? null) : null, missing_slots: missing })
  }

  async #stats(definitions: readonly QueueDefinition[]): Promise<{ stats: PartitionStat[]; missing: number[] }> {
    const { slots } = this.#ports.calls
    const bySlot = new Map<number, number[]>()
    for (const { name, partitions, generation } of definitions) {
      for (let partition = 0; partition < Math.min(partitions, slots); partition++) {
        const slot = slotOf(name, partition, slots)
        const others = bySlot.get(slot)
        if (others === undefined) bySlot.set(slot, [generation])
        else others.push(generation)
      }
    }
    const missing: number[] = []
    const stats = await Promise.all(
      [...bySlot].map(async ([slot, generations]) => {
        const view = await this.#ask<PartitionStat[]>(slot, { type: 'partitions', generations })
        if (view === null) missing.push(slot)
        return view ?? []
      }),
    )
    return { stats: stats.flat(), missing: missing.sort((left, right) => left - right) }
  }

  async #messages(
    queue: string,
    { which, after, limit }: { readonly which: Which; readonly after: string | null; readonly limit: number },
  ): Promise<Result<MessagePage, Fault<ServiceFault | 'unknown_queue'>>> {
    const found = await this.#find(queue)
    if (!found.ok) return found
    const { name, generation, partitions } = found.value
    const messages: MessagePage['messages'][number][] = []
    let { partition, skip, from } = placeOf(after)
    let bytes = 0
    for (; partition < partitions; partition++, skip = 0, from = null) {
      if (bytes > limits.shownBytesMax) return ok({ messages, next: `${partition}.0` })
      const wanted = limit + 1 - messages.length
      const slot = slotOf(name, partition, this.#ports.calls.slots)
      const page = await this.#ask<MessagesShown>(slot, {
        type: 'messages',
        queue: { generation, partition },
        which,
        from,
        skip,
        limit: wanted,
      })
      if (page === null) return err(noLeader())
      const nextOf = (at: number, { index, offset }: MessageStat['place']): string =>
        which === 'ready' ? `${partition}.${skip + at}` : `${partition}.0.${index}.${offset}`
      for (const [at, stat] of page.messages.entries()) {
        if (messages.length === limit) return ok({ messages, next: nextOf(at, stat.place) })
        messages.push({ stat, partition })
        bytes += stat.body?.length ?? 0
      }
      if (page.next !== null) return ok({ messages, next: nextOf(page.messages.length, page.next) })
    }
    return ok({ messages, next: null })
  }

  async #ask<View>(slot: number, question: SlotQuestion): Promise<View | null> {
    const bytes = new TextEncoder().encode(JSON.stringify(question))
    const asked = await new Promise<Asked>((resolve) => this.#ports.calls.path(slot).askLeader({ type: 'look', question: bytes }, resolve))
    return asked.type === 'view' ? (JSON.parse(new TextDecoder().decode(asked.view)) as View) : null
  }
}

interface MessagePage {
  readonly messages: readonly { readonly stat: MessageStat; readonly partition: number }[]
  readonly next: string | null
}

/** `partition.skip` for what is listed as it would be delivered, `partition.0.index.offset` for what is listed as it came. */
function placeOf(after: string | null): { partition: number; skip: number; from: { index: number; offset: number } | null } {
  const [partition = 0, skip = 0, index, offset = 0] = (after ?? '').split('.').map((part) => (/^\d{1,15}$/.test(part) ? Number(part) : 0))
  return { partition, skip, from: index === undefined ? null : { index, offset } }
}

/** `null`, in base64. */
const unreadable = Buffer.from('null').toString('base64')

const seen = (stat: MessageStat, partition: number) => ({
  message_id: stat.id,
  // The service takes nothing else for a body.
  message: Buffer.from(stat.body ?? unreadable, 'base64') as Uint8Array as JsonBytes,
  ...(stat.body === null ? { unreadable: true as const } : {}),
  partition,
  enqueued_at: instantOf(stat.enqueuedAt),
  age_ms: stat.ageMs,
  delivery_count: stat.delivered,
  failed_count: stat.failed,
  priority: stat.priority,
  ...(stat.key === null ? {} : { key: stat.key }),
  ...(stat.headers.length === 0 ? {} : { headers: Object.fromEntries(stat.headers.map(({ name, value }) => [name, value])) }),
})

function countsOf(stats: readonly PartitionStat[]) {
  const sum = (name: 'ready' | 'inFlight' | 'scheduled' | 'dead' | 'moving'): number => stats.reduce((total, stat) => total + stat[name], 0)
  const ages = stats.map(({ oldestAgeMs }) => oldestAgeMs).filter((age) => age !== null)
  return {
    ready: sum('ready'),
    in_flight: sum('inFlight'),
    delayed: sum('scheduled'),
    dead: sum('dead'),
    dead_pending: sum('moving'),
    oldest_age_ms: ages.length === 0 ? null : Math.max(...ages),
  }
}

function queueView({ name, revision, partitions, settings }: QueueDefinition, stats: readonly PartitionStat[]): QueueView {
  const counts = countsOf(stats)
  const rate = (kind: keyof PartitionStat['rates']): number => stats.reduce((total, { rates }) => total + rates[kind], 0)
  const running = stats.filter(({ redrive }) => redrive !== null).map(({ redrive }) => redrive)
  const consumers = new Map<string, { consumer_id: string; in_flight: number; waiting: boolean }>()
  for (const { id, inFlight, waiting } of stats.flatMap((stat) => stat.consumers)) {
    const known = consumers.get(id)
    consumers.set(id, { consumer_id: id, in_flight: (known?.in_flight ?? 0) + inFlight, waiting: waiting || known?.waiting === true })
  }
  return {
    queue: name,
    revision,
    partitions,
    paused: settings.paused,
    ...counts,
    lag: counts.ready + counts.in_flight,
    rates: { enqueued: rate('enqueued'), delivered: rate('delivered'), acknowledged: rate('acknowledged') },
    redrive:
      running[0] === undefined || running[0] === null
        ? null
        : { from: running[0].from, moved: running.reduce((sum, each) => sum + (each?.moved ?? 0), 0) },
    consumer_count: consumers.size,
    consumers: [...consumers.values()].slice(0, apiLimits.consumersMax),
  }
}
