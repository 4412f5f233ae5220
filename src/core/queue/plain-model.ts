import { wallMillis } from '#base/brand.ts'
import { encodeCommand } from './command-codec.ts'
import { entryCheck, shareOf, textHash } from './entry-check.ts'
import type { QueueLimits } from './limits.ts'
import type { ModelJob, ModelMessage, ModelPartition } from './plain-store.ts'
import { byPlace, nameOf, PlainStore } from './plain-store.ts'
import { retryDelay } from './receipts.ts'
import type { SlotIdentity } from './state.ts'
import type {
  Configure,
  Consume,
  ItemResult,
  Message,
  MessageId,
  Nack,
  PartitionRef,
  Produce,
  ProduceResult,
  QueueAnswer,
  QueueCommand,
  QueueContext,
  Receipt,
  Redrive,
  RefusalCode,
} from './types.ts'

const refuse = (code: RefusalCode, detail = ''): QueueAnswer => ({ type: 'refused', code, detail })
const results = (each: ItemResult[]): QueueAnswer => ({ type: 'results', results: each, visibleUntil: null })

/** Of a message, and of the command that brought it. */
interface Place {
  readonly id: MessageId
  readonly batch: string
}

/** What commands do to a plain store of messages. */
export class PlainModel {
  readonly store: PlainStore
  readonly #largest = new Map<string, number>()
  #entry = { index: 0, messages: 0 }
  readonly #identity: SlotIdentity
  #deletedAt = 0

  constructor(identity: SlotIdentity, limits: QueueLimits) {
    this.store = new PlainStore(limits)
    this.#identity = identity
  }

  apply(command: QueueCommand, context: QueueContext): QueueAnswer {
    const start = context.index === this.#entry.index ? this.#entry.messages : 0
    this.#entry = { index: context.index, messages: start + (command.type === 'produce' ? command.messages.length : 0) }
    this.store.now = context.time
    this.store.wall = context.wall
    this.store.counts = new Map()
    const expired = this.store.expire()
    switch (command.type) {
      case 'expire-due':
        return expired
      case 'configure':
        return this.#configure(command)
      case 'delete-queue':
        return this.#delete(command.generation, command.catalogueVersion)
      case 'produce':
        return this.#produce(command, context, start)
      case 'consume':
        return this.#consume(command)
      case 'ack':
        return results(command.receipts.map((receipt) => this.#ack(receipt)))
      case 'nack':
        return results(command.receipts.map((receipt) => this.#newest(receipt, (message) => this.#nack(message, command.kind))))
      case 'extend': {
        const each = command.receipts.map((receipt) => this.#newest(receipt, (message) => this.#extend(message, command.visibilityMs)))
        return { type: 'results', results: each, visibleUntil: wallMillis(context.wall + command.visibilityMs) }
      }
      case 'cancel':
        return results(command.ids.map((id) => this.#cancel(id)))
      case 'release-consumer':
        return this.#releaseConsumer(command.consumer)
      case 'purge':
        return this.#purge(command.queue, command.dead)
      case 'redrive':
        return this.#redrive(command)
      case 'cancel-redrive':
        return this.#cancelRedrive(command.queue)
      case 'forwarded':
        return results(command.ids.map((id) => this.#moving(id, (message) => this.#forwarded(message))))
      case 'return':
        return results(command.ids.map((id) => this.#moving(id, (message) => this.#return(message))))
      case 'postpone':
        return results(
          command.ids.map((id) =>
            this.#moving(id, (message) => {
              message.until = this.store.now + command.delayMs
              return 'postponed'
            }),
          ),
        )
    }
  }

  #configure({ queue, catalogueVersion }: Configure): QueueAnswer {
    const { generation, revision } = queue
    const known = this.store.definitions.get(generation)
    if (known === undefined && catalogueVersion < this.#deletedAt) return refuse('stale_catalogue')
    if (known !== undefined && known.revision >= revision) return { type: 'configured', generation, revision: known.revision }
    this.store.definitions.set(generation, { ...(known ?? queue), settings: queue.settings, revision })
    for (const { ref, dedupe } of this.store.partitions.values()) {
      if (ref.generation !== generation) continue
      for (const each of dedupe) each.expires = Math.min(each.expires, this.store.now + queue.settings.dedupeWindowMs)
      if (queue.settings.deadLetterQueue !== null) continue
      for (const message of this.store.of(ref)) if (message.state === 'moving' && !message.toSource) message.state = 'dead'
    }
    return { type: 'configured', generation, revision }
  }

  #delete(generation: Configure['queue']['generation'], version: number): QueueAnswer {
    this.#deletedAt = Math.max(this.#deletedAt, version)
    this.store.definitions.delete(generation)
    for (const [name, { ref }] of this.store.partitions) {
      if (ref.generation !== generation) continue
      this.store.partitions.delete(name)
      this.store.counts.delete(name)
      this.store.messages = this.store.messages.filter(({ queue }) => queue !== name)
    }
    return { type: 'deleted', generation }
  }

  #produce(command: Produce, context: QueueContext, start: number): QueueAnswer {
    const definition = this.store.definitions.get(command.queue.generation)
    if (definition === undefined) return refuse('unknown_queue')
    if (command.queue.partition >= definition.partitions) return refuse('invalid', 'partition')
    const name = nameOf(command.queue)
    const partition = this.store.partitions.get(name) ?? { ref: command.queue, dedupe: [], producers: [], job: null }
    this.store.partitions.set(name, partition)
    const { producer } = command
    if (producer === null) return this.#batch(command, context, start)
    for (const each of this.store.partitions.values())
      each.producers = each.producers.filter(({ usedAt }) => usedAt > this.store.now - this.store.limits.producerIdleMs)
    const known = partition.producers.find(({ id }) => id === producer.id)
    if (known !== undefined) known.usedAt = this.store.now
    if (known === undefined && producer.sequence > 1) return refuse('unknown_producer')
    const last = known?.last ?? 0
    if (producer.sequence > last + 1) return refuse('out_of_sequence', String(last + 1))
    if (producer.sequence <= last) {
      const kept = known?.answers.slice(-this.store.limits.answersKept) ?? []
      return kept[kept.length - (last - producer.sequence) - 1] ?? refuse('already_answered')
    }
    const total = [...this.store.partitions.values()].reduce((sum, each) => sum + each.producers.length, 0)
    if (known === undefined && total >= this.store.limits.producersMax) return refuse('too_many_producers')
    const answer = this.#batch(command, context, start)
    if (known === undefined) partition.producers.push({ id: producer.id, last: 1, usedAt: this.store.now, answers: [answer] })
    else {
      known.last++
      known.answers.push(answer)
    }
    return answer
  }

  #batch(command: Produce, { index, term }: QueueContext, start: number): QueueAnswer {
    const { clusterId, slot } = this.#identity
    const first = { slot, index, offset: start, check: entryCheck(textHash(clusterId), term, encodeCommand(command)) }
    return {
      type: 'produced',
      first,
      results: command.messages.map((message, at) =>
        this.#take(command.queue, message, { id: { ...first, offset: start + at }, batch: `${index}.${start}` }),
      ),
    }
  }

  #take(ref: PartitionRef, message: Message, { id, batch }: Place): ProduceResult {
    const name = nameOf(ref)
    const { maxLength, overflow, ttlMs, dedupeWindowMs } = this.store.settingsOf(name)
    const { dedupe } = this.store.partitions.get(name) as ModelPartition
    const isRemembered = message.dedupeId !== null && dedupeWindowMs > 0
    if (isRemembered) {
      const earlier = dedupe.find((each) => each.id === message.dedupeId && each.expires > this.store.now)
      if (earlier !== undefined) return { type: 'duplicate', id: earlier.message }
      const alive = [...this.store.partitions.values()].flatMap((each) => each.dedupe.filter(({ expires }) => expires > this.store.now))
      if (alive.length >= this.store.limits.dedupeIdsMax) return { type: 'refused', code: 'dedupe_full' }
    }
    if (!this.#makeRoom(ref, maxLength ?? Infinity, overflow)) return { type: 'refused', code: 'queue_full' }
    this.#enqueue(name, { ...message, ttlMs: message.ttlMs ?? ttlMs }, { id, batch })
    if (isRemembered) dedupe.push({ id: message.dedupeId ?? '', message: id, expires: this.store.now + dedupeWindowMs })
    return { type: 'enqueued' }
  }

  /** False when nothing can be dropped. */
  #makeRoom(ref: PartitionRef, max: number, overflow: 'reject' | 'drop-head'): boolean {
    const length = (): number =>
      this.store.of(ref).filter(({ state, settled }) => state !== 'dead' && state !== 'moving' && !settled).length
    for (let dropped = 0; length() >= max && dropped < this.store.limits.expiriesMax; dropped++) {
      const deliverable = this.store.deliverable(ref)
      const lowest = Math.min(...deliverable.map(({ priority }) => priority))
      const victim = deliverable.find(({ priority }) => priority === lowest)
      if (overflow === 'reject' || victim === undefined) return dropped > 0
      this.store.gone(victim, 'dropped')
    }
    return true
  }

  #enqueue(queue: string, { key, priority, delay, ttlMs, body }: Message, { id, batch }: Place): void {
    const wait = delay.type === 'after' ? delay.ms : delay.type === 'at' ? Math.max(0, delay.instant - this.store.wall) : 0
    this.store.count(queue, 'enqueued')
    this.#largest.set(batch, Math.max(this.#largest.get(batch) ?? 0, 32 * Math.ceil(body.length / 32)))
    this.store.messages.push({
      id,
      batch,
      queue,
      key,
      priority,
      wall: Math.floor(this.store.wall),
      state: wait > 0 ? 'scheduled' : 'ready',
      until: delay.type === 'at' ? delay.instant : this.store.now + wait,
      byWall: wait > 0 && delay.type === 'at',
      expires: ttlMs === null ? Infinity : this.store.now + wait + ttlMs,
      lease: 0,
      failed: 0,
      consumer: null,
      settled: false,
      toSource: false,
    })
  }

  #consume({ queue, consumer, max, bytesMax, visibilityMs }: Consume): QueueAnswer {
    const definition = this.store.definitions.get(queue.generation)
    if (definition === undefined) return refuse('unknown_queue')
    if (definition.settings.paused) return refuse('queue_paused')
    const visibility = visibilityMs ?? definition.settings.visibilityMs
    const room = this.store.limits.inFlightMax - this.store.of(queue).filter(({ state }) => state === 'leased').length
    if (room <= 0) return refuse('in_flight_full')
    const taken: ModelMessage[] = []
    for (let [bytes, expired] = [0, 0]; taken.length < Math.min(max, room);) {
      const [next] = this.store.deliverable(queue)
      if (next === undefined || expired === this.store.limits.expiriesMax) break
      if (next.expires <= this.store.now) {
        this.store.gone(next, 'expired')
        expired++
        continue
      }
      expired = 0
      bytes += this.#largest.get(next.batch) ?? 0
      if (taken.length > 0 && bytes > bytesMax) break
      Object.assign(next, { state: 'leased', until: this.store.now + visibility, consumer, lease: next.lease + 1 })
      taken.push(next)
      this.store.count(next.queue, 'delivered')
    }
    const messages = taken.map(({ id, lease, failed, wall }) => ({ id, lease, failed, enqueuedAt: wallMillis(wall) }))
    return { type: 'delivered', messages, visibleUntil: wallMillis(this.store.wall + visibility) }
  }

  #find(id: MessageId): ModelMessage | undefined {
    return this.store.messages.find(
      ({ id: own }) => own.index === id.index && own.offset === id.offset && own.check === id.check && own.slot === id.slot,
    )
  }

  #ack({ id, lease }: Receipt): ItemResult {
    const message = this.#find(id)
    if (message === undefined) return 'unknown_message'
    if (message.lease === 0) return 'not_delivered'
    if (lease !== null && lease !== message.lease) return 'stale_receipt'
    if (!message.settled) this.store.count(message.queue, 'acknowledged')
    if (message.state === 'leased' && lease === null && message.lease > 1) message.settled = true
    else this.store.remove(message)
    return 'acknowledged'
  }

  #newest({ id, lease }: Receipt, act: (message: ModelMessage) => ItemResult): ItemResult {
    const message = this.#find(id)
    if (message === undefined) return 'unknown_message'
    if (message.lease === 0) return 'not_delivered'
    const isNewest = lease === message.lease || (lease === null && message.lease === 1)
    return message.state === 'leased' && isNewest ? act(message) : 'stale_receipt'
  }

  #release(message: ModelMessage, delayMs: number): ItemResult {
    if (message.settled) {
      this.store.remove(message)
      return 'acknowledged'
    }
    this.store.return(message, delayMs)
    return 'returned'
  }

  #nack(message: ModelMessage, kind: Nack['kind']): ItemResult {
    if (message.settled || kind.type === 'release') return this.#release(message, kind.type === 'release' ? kind.delayMs : 0)
    if (kind.type === 'reject') {
      this.store.kill(message)
      return 'dead'
    }
    if (this.store.fail(message)) return 'dead'
    const { retry } = this.store.settingsOf(message.queue)
    const share = shareOf(message.id.index, message.id.offset, message.failed)
    this.store.return(message, kind.delayMs ?? retryDelay(retry, message.failed, share))
    return 'returned'
  }

  #extend(message: ModelMessage, visibilityMs: number): ItemResult {
    if (visibilityMs === 0) return this.#release(message, 0)
    message.until = this.store.now + visibilityMs
    return 'extended'
  }

  #cancel(id: MessageId): ItemResult {
    const message = this.#find(id)
    if (message === undefined) return 'unknown_message'
    if (message.state !== 'scheduled' || message.lease > 0) return 'not_scheduled'
    this.store.gone(message, 'dropped')
    return 'cancelled'
  }

  #releaseConsumer(consumer: string): QueueAnswer {
    const all = this.store.messages.filter((message) => message.state === 'leased' && message.consumer === consumer).sort(byPlace)
    const some = all.slice(0, this.store.limits.expiriesMax)
    for (const message of some) this.store.endLease(message, false)
    return { type: 'released', count: some.length, more: some.length < all.length }
  }

  #purge(ref: PartitionRef, dead: boolean): QueueAnswer {
    if (!this.store.definitions.has(ref.generation)) return refuse('unknown_queue')
    const gone = this.store.of(ref).filter(({ state, settled }) => !settled && (dead || (state !== 'dead' && state !== 'moving')))
    for (const message of gone) {
      if (message.state === 'leased') message.settled = true
      else this.store.remove(message)
    }
    const partition = this.store.partitions.get(nameOf(ref))
    if (partition !== undefined) partition.dedupe = []
    if (gone.length > 0) this.store.count(nameOf(ref), 'dropped', gone.length)
    return { type: 'purged', count: gone.length }
  }

  #redrive({ queue, from, rate, max }: Redrive): QueueAnswer {
    if (!this.store.definitions.has(queue.generation)) return refuse('unknown_queue')
    const partition = this.store.partitions.get(nameOf(queue))
    if (partition === undefined) return { type: 'redrive', moved: 0, max: 0, active: false }
    if (partition.job !== null) return refuse('redrive_active')
    const there = from === 'dead' ? this.store.dead(queue) : this.store.readyAfter(queue, null)
    const job: ModelJob = { from, rate, startedAt: this.store.now, max: Math.min(max ?? Infinity, there.length), moved: 0, last: null }
    partition.job = job
    this.store.step(partition)
    return { type: 'redrive', moved: job.moved, max: job.max, active: partition.job !== null }
  }

  #cancelRedrive(ref: PartitionRef): QueueAnswer {
    if (!this.store.definitions.has(ref.generation)) return refuse('unknown_queue')
    const partition = this.store.partitions.get(nameOf(ref))
    const returning = this.store.of(ref).filter(({ toSource }) => toSource)
    if (partition === undefined || (partition.job === null && returning.length === 0)) return refuse('no_redrive')
    for (const message of returning) this.store.revive(message)
    const moved = partition.job?.moved ?? 0
    partition.job = null
    return { type: 'redrive', moved, max: moved, active: false }
  }

  #moving(id: MessageId, act: (message: ModelMessage) => ItemResult): ItemResult {
    const message = this.#find(id)
    if (message === undefined) return 'unknown_message'
    return message.state === 'moving' ? act(message) : 'not_moving'
  }

  #return(message: ModelMessage): ItemResult {
    if (!message.toSource) return 'not_moving'
    this.store.revive(message)
    return 'returned'
  }

  #forwarded(message: ModelMessage): ItemResult {
    this.store.gone(message, 'forwarded')
    return 'forwarded'
  }
}
