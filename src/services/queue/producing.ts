import { present } from '#base/assert.ts'
import { wallMillis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { overloaded } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import { alreadyAnswered, outOfSequence, queueLimitMet, unknownProducer, wrongPartition } from '#api/queues/faults.ts'
import type { EnqueuedItem, ProducedMessage, ProduceMany } from '#api/queues/produce.ts'
import type { Items, ProduceFault, ProduceItemFault } from '#api/queues/queue-api.ts'
import type { Listing } from '#core/queue/catalogue-types.ts'
import { formatMessageId } from '#core/queue/message-id.ts'
import type { Delay, Header, Message, ProducerRef, Produced, ProduceResult, QueueAnswer, QueueDefinition } from '#core/queue/types.ts'
import { producerId, queueName } from '#core/queue/types.ts'
import { partitionOf } from '#core/ring/partition.ts'
import type { QueueCalls } from './queue-calls.ts'
import { queueServiceLimits as limits } from './limits.ts'
import { limitMet, unexpected, unsettled } from './queue-faults.ts'

type Item = Result<EnqueuedItem, Fault<ProduceItemFault>>

/** Brings messages to the partitions they belong to. */
export class Producing {
  readonly #calls: QueueCalls
  readonly #prng: Prng
  readonly #leaderOf: (group: number) => string

  constructor(calls: QueueCalls, prng: Prng, leaderOf: (group: number) => string) {
    this.#calls = calls
    this.#prng = prng
    this.#leaderOf = leaderOf
  }

  async produce({ queue, messages, producer }: ProduceMany): Promise<Result<Items<EnqueuedItem, ProduceItemFault>, Fault<ProduceFault>>> {
    const results: Item[] = []
    let left: readonly number[] = [...messages.keys()]
    for (let attempt = 0; attempt < limits.configureAttempts && left.length > 0; attempt++) {
      const found = await this.#calls.find(queueName(queue), true)
      if (!found.ok) {
        if (results.length === 0) return err(found.error as Fault<ProduceFault>)
        for (const place of left) results[place] = err(found.error as Fault<ProduceItemFault>)
        return ok(results)
      }
      const { partitions } = found.value.definition
      const isElsewhere = ({ key }: ProducedMessage): boolean => key !== undefined && partitionOf(key, partitions) !== producer?.partition
      if (producer !== undefined && (producer.partition >= partitions || messages.some(isElsewhere))) {
        if (attempt > 0) return err(wrongPartition(queue, producer.partition))
        // The queue that is remembered may have been deleted and made again.
        this.#calls.directory.forget(queueName(queue))
        continue
      }
      const ref: ProducerRef | null = producer === undefined ? null : { id: producerId(producer.producer_id), sequence: producer.sequence }
      const places = this.#spread(messages, left, producer?.partition ?? null, partitions)
      const batches = [...places].map(([partition, at]) => this.#batch(found.value, partition, ref, { messages, at, results }))
      const outcomes = await Promise.all(batches)
      const faults = outcomes.filter((outcome) => !outcome.ok).map(({ error }) => error)
      // What befell all of them alike is the fault of the call.
      if (faults[0] !== undefined && faults.length === outcomes.length && results.length === 0) return err(faults[0])
      left = outcomes.flatMap((outcome) => (outcome.ok ? outcome.value : []))
      for (const [position, at] of [...places.values()].entries()) {
        const outcome = present(outcomes[position], 'every batch has an outcome')
        if (!outcome.ok) for (const place of at) results[place] = err(outcome.error as Fault<ProduceItemFault>)
      }
    }
    // One that no entry had a place for says so already.
    for (const place of left) results[place] ??= err(unsettled())
    return ok(results)
  }

  /** Which of the messages go to which partition: chosen once for those that do not care (decision Q6). */
  #spread(messages: ProduceMany['messages'], places: readonly number[], fixed: number | null, partitions: number): Map<number, number[]> {
    const chosen = this.#prng.between(0, partitions - 1)
    const spread = new Map<number, number[]>()
    for (const place of places) {
      const message = present(messages[place], 'a place is that of a message')
      const partition = fixed ?? partitionFor(message, partitions, chosen)
      const others = spread.get(partition)
      if (others === undefined) spread.set(partition, [place])
      else others.push(place)
    }
    return spread
  }

  /** Fills in what became of each, and gives those that were certainly not taken and are to be sent once more. */
  async #batch(
    listing: Listing,
    partition: number,
    producer: ProducerRef | null,
    { messages, at, results }: { readonly messages: ProduceMany['messages']; readonly at: readonly number[]; readonly results: Item[] },
  ): Promise<Result<readonly number[], Fault<ProduceFault>>> {
    const some = at.map((place) => messageOf(present(messages[place], 'a place is that of a message')))
    const answered = await this.#calls.submit(listing, partition, (queue) => ({ type: 'produce', queue, producer, messages: some }))
    if (!answered.ok) return answered
    const answer = answered.value
    if (answer.type === 'refused') return answer.code === 'unknown_queue' ? ok(at) : err(faultOfProduce(answer, producer))
    if (answer.type !== 'produced') return unexpected(answer.type)
    const isFull = (result: ProduceResult | undefined): boolean =>
      result?.type === 'refused' && result.code === 'entry_full' && producer === null
    const items = this.#itemsOf(answer, listing.definition)
    for (const [position, place] of at.entries()) results[place] = present(items[position], 'every message has a result')
    return ok(at.filter((_, position) => isFull(answer.results[position])))
  }

  #itemsOf({ first, results }: Produced, { settings }: QueueDefinition): readonly Item[] {
    const node = this.#leaderOf(first.slot)
    const maxLength = settings.maxLength ?? 0
    return results.map((result, position) => itemOf(result, { ...first, offset: first.offset + position }, { node, maxLength }))
  }
}

function itemOf(
  result: ProduceResult,
  id: Produced['first'],
  { node, maxLength }: { readonly node: string; readonly maxLength: number },
): Item {
  switch (result.type) {
    case 'enqueued':
      return ok({ status: 'enqueued', message_id: formatMessageId(id), node })
    case 'duplicate':
      return ok({ status: 'enqueued', message_id: formatMessageId(result.id), node, duplicate: true })
    case 'refused':
      return err(faultOfItem(result.code, maxLength))
  }
}

function faultOfItem(code: Extract<ProduceResult, { type: 'refused' }>['code'], maxLength: number): Fault<ProduceItemFault> {
  if (code === 'entry_full') return overloaded('too many messages came at once')
  return code === 'queue_full' ? queueLimitMet(code, maxLength) : limitMet(code)
}

function faultOfProduce({ code, detail }: Extract<QueueAnswer, { type: 'refused' }>, producer: ProducerRef | null): Fault<ProduceFault> {
  const batch = { producer: producer?.id ?? '', sequence: producer?.sequence ?? 0 }
  switch (code) {
    case 'out_of_sequence':
      return outOfSequence(batch, Number(detail))
    case 'already_answered':
      return alreadyAnswered(batch)
    case 'unknown_producer':
      return unknownProducer(batch.producer)
    case 'too_many_partitions':
    case 'too_many_producers':
      return limitMet(code)
    default:
      return unexpected(code)
  }
}

function partitionFor({ key, dedupe_id: dedupeId, message_id: ownId }: ProducedMessage, partitions: number, chosen: number): number {
  const by = key ?? dedupeId ?? ownId
  return by === undefined ? chosen : partitionOf(by, partitions)
}

function messageOf(produced: ProducedMessage): Message {
  const { key = null, priority = 0, ttl_ms: ttlMs = null, message_id: ownId, message } = produced
  return {
    key,
    priority,
    delay: delayOf(produced),
    ttlMs,
    dedupeId: produced.dedupe_id ?? ownId ?? null,
    headers: headersOf(produced),
    source: null,
    body: message,
  }
}

function delayOf({ delay_ms: ms, deliver_at: at }: ProducedMessage): Delay {
  // What was due before there was a clock that could say so is due as well.
  if (at !== undefined) return { type: 'at', instant: wallMillis(Math.max(0, Date.parse(at))) }
  return ms === undefined || ms === 0 ? { type: 'none' } : { type: 'after', ms }
}

/** The producer's own name for the message travels with it (decision Q5). */
function headersOf({ headers = {}, message_id: ownId }: ProducedMessage): readonly Header[] {
  const all = ownId === undefined ? headers : { ...headers, message_id: ownId }
  return Object.entries(all).map(([name, value]) => ({ name, value }))
}
