import type { Prng } from '#base/prng.ts'
import type { Result } from '#base/result.ts'
import type { Fault } from '#api/errors.ts'
import type { EnqueuedItem, ProducedMessage } from '#api/queues/produce.ts'
import type { QueueApi } from '#api/queues/queue-api.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { instantOf } from '#api/schemas.ts'
import { partitionOf } from '#core/ring/partition.ts'
import type { Sent } from './claims.ts'
import type { ClientPorts } from './client-ports.ts'
import { isPassing, wallOf } from './client-ports.ts'

/** A message on its way, and what its producer remembers of it. */
interface Parcel {
  readonly sent: Sent
  readonly message: ProducedMessage
}

/** Sends single messages and batches. What must be there once has a dedupe id, and is sent again, over another node, until its fate is known. */
export async function runProducer(ports: ClientPorts): Promise<void> {
  const { actor, options, isOver, did } = ports
  for (let number = 1; ; number++) {
    await actor.think(options.produceThinkMs)
    if (isOver()) return
    const { name } = actor.prng.pick(options.queues)
    const once = actor.prng.chance(options.onceShare)
    const parcels = Array.from({ length: actor.prng.between(1, options.batchMax) }, (_, at) => compose(ports, name, { number, at, once }))
    did(parcels.length === 1 ? 'produce' : 'produce-batch')
    await bring(ports, name, { parcels, once })
    if (actor.prng.chance(options.crashShare)) actor.die()
  }
}

/** Numbers its batches for one partition. A batch is sent until it is told what became of it; then comes the next. */
export async function runSequencer(ports: ClientPorts): Promise<void> {
  const { actor, options, isOver, did } = ports
  const { name, partitions } = actor.prng.pick(options.queues)
  const partition = actor.prng.between(0, partitions - 1)
  let [life, sequence, since, number] = [1, 1, actor.now, 0]
  for (;;) {
    await actor.think(options.produceThinkMs)
    if (isOver()) return
    number++
    const parcels = Array.from({ length: actor.prng.between(1, options.batchMax) }, (_, at) =>
      compose(ports, name, { number, at, once: true }),
    ).filter(({ message: { key } }) => key === undefined || partitionOf(key, partitions) === partition)
    if (parcels.length === 0) continue
    did('produce-sequence')
    const refused = await bring(ports, name, {
      parcels,
      once: true,
      producer: { producer_id: `${actor.id}/${life}`, partition, sequence },
    })
    sequence++
    if (refused === null) continue
    if (refused !== 'wrong_partition' && refused !== gaveUp) ports.claims.sequenceRefused(name, refused, since)
    did('begin-sequence-again')
    ;[life, sequence, since] = [life + 1, 1, actor.now]
  }
}

interface Batch {
  readonly parcels: readonly Parcel[]
  readonly once: boolean
  readonly producer?: { readonly producer_id: string; readonly partition: number; readonly sequence: number }
}

/** Until nothing more is to be found out. The code of the refusal of a numbered batch, if it was refused for its number. */
async function bring(ports: ClientPorts, queue: string, { parcels, once, producer }: Batch): Promise<string | null> {
  const { actor, did } = ports
  let left = parcels
  for (let attempt = 1; left.length > 0 && attempt <= attemptsMax; attempt++) {
    if (attempt > 1) {
      did('send-again')
      await actor.sleep(200 + actor.prng.float() * 800)
    }
    const messages = left.map(({ message }) => message)
    const request: Parameters<QueueApi['produce']>[0] = producer === undefined ? { queue, messages } : { queue, messages, producer }
    const { told } = await actor.call('produce', (queues, call) => queues.produce(request, call))
    if (!told.ok) {
      if (isAboutSequence(told.error.code)) return told.error.code
      if (told.error.code === 'unknown' ? !once : !isPassing(told.error)) return producer === undefined ? null : gaveUp
      continue
    }
    const again = left.filter((parcel, at) => {
      const result = told.value[at]
      return result === undefined || !isKnown(ports, parcel, result, once)
    })
    // A numbered batch is sent whole, or not at all.
    if (producer === undefined) left = again
    else if (again.length === 0) return null
  }
  return producer === undefined || left.length === 0 ? null : gaveUp
}

const isAboutSequence = (code: string): boolean =>
  ['out_of_sequence', 'already_answered', 'unknown_producer', 'wrong_partition'].includes(code)

function isKnown({ claims, did }: ClientPorts, { sent }: Parcel, result: Result<EnqueuedItem, Fault>, once: boolean): boolean {
  if (result.ok) {
    claims.enqueued(sent, result.value)
    if (result.value.duplicate === true) did('told-duplicate')
    return true
  }
  if (result.error.code === 'unknown') return !once
  if (result.error.code === 'queue_full') did('told-queue-full')
  return !isPassing(result.error)
}

const attemptsMax = 60
/** Nobody knows what became of the batch, so the next one cannot be numbered. */
const gaveUp = 'gave-up'

interface Naming {
  readonly number: number
  readonly at: number
  readonly once: boolean
}

function compose({ actor, claims, options }: ClientPorts, queue: string, { number, at, once }: Naming): Parcel {
  const { prng } = actor
  const name = `${actor.id}-${number}.${at}`
  // As it would not come out if it were read and written anew.
  const text = `{ "of":"${name}",\t"n": 1${'0'.repeat(prng.between(0, 30))}e1, "fill":"${'x'.repeat(prng.pick([0, 10, 100, 100, 3_000]))}" }`
  // The service takes nothing else for a body.
  const message = new TextEncoder().encode(text) as Uint8Array as JsonBytes
  const composed: ProducedMessage = {
    message,
    ...(prng.chance(options.delayShare) ? drawDelay(actor.prng, actor.now) : {}),
    ...(prng.chance(options.keyedShare) ? { key: `k${prng.between(1, options.keys)}` } : {}),
    ...(prng.chance(options.priorityShare) ? { priority: prng.between(1, 9) } : {}),
    ...(prng.chance(options.ttlShare) ? { ttl_ms: prng.pick([500, 5_000]) } : {}),
    ...(prng.chance(0.1) ? { headers: { trace: name } } : {}),
    ...(once ? (prng.chance(0.8) ? { dedupe_id: name } : { message_id: name }) : {}),
  }
  return { sent: claims.sends(queue, message, once), message: composed }
}

function drawDelay(prng: Prng, now: number): Pick<ProducedMessage, 'delay_ms' | 'deliver_at'> {
  const ms = prng.pick([300, 3_000, 10_000])
  return prng.chance(0.7) ? { delay_ms: ms } : { deliver_at: instantOf(wallOf(now) + ms) }
}
