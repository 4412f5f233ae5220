import { present } from '#base/assert.ts'
import { LockstepError } from '#sdk/errors.ts'
import type { QueueClient } from '#sdk/queue/queue-client.ts'
import type { SendResult } from '#sdk/queue/queue.ts'
import type { SendOptions } from '#sdk/queue/options.ts'
import { refusal } from '#sim/clients/program.ts'
import type { Sent } from '#sim/queue/claims.ts'
import { wallOf } from '#sim/queue/client-ports.ts'
import type { QueueProgram } from './queue-program.ts'
import { survive } from './refusals.ts'
import type { SendingOrder } from './sending-order.ts'

interface Parcel {
  readonly sent: Sent
  /** Which of all that its program has sent. */
  readonly call: number
  readonly payload: object
  readonly options: SendOptions
}

/** Sends single messages, several in one turn, and batches. What has a dedupe id and an outcome that is not known is sent again. */
export async function send(program: QueueProgram, sync: QueueClient, order: SendingOrder): Promise<void> {
  const { prng, ports } = program
  const { name } = prng.pick(ports.options.queues)
  const parcels = Array.from({ length: prng.between(1, 2 * ports.options.batchMax) }, () => compose(program, name, order.called()))
  if (prng.chance(0.3)) return sendBatch(program, sync, { name, parcels, order })
  // One that may be called off is sent by itself: it is not known what its signal was in time for.
  const aborts = prng.chance(0.1)
  ports.did(aborts ? 'library-send-abort' : 'library-send')
  await Promise.all(parcels.map((parcel) => sendOne(program, sync, { name, parcel, order, aborts })))
}

interface Sending {
  readonly name: string
  readonly order: SendingOrder
}

async function sendBatch(
  program: QueueProgram,
  sync: QueueClient,
  { name, parcels, order }: Sending & { readonly parcels: readonly Parcel[] },
): Promise<void> {
  program.ports.did('library-send-batch')
  const items = parcels.map(({ payload, options }) => ({ payload, ...options }))
  const results = await program.bounded('sendBatch', program.timeoutMs, sync.queue<object>(name).sendBatch(items))
  for (const [at, parcel] of parcels.entries()) {
    const result = present(results[at], 'every message of a batch has a result')
    told(program, parcel, result, order)
  }
}

async function sendOne(
  program: QueueProgram,
  sync: QueueClient,
  { name, parcel, order, aborts }: Sending & { readonly parcel: Parcel; readonly aborts: boolean },
): Promise<void> {
  const { payload, options, sent } = parcel
  const ending = new AbortController()
  if (aborts) program.machine.after(program.prng.float() * 100, () => ending.abort())
  const sending = sync.queue<object>(name).send(payload, aborts ? { ...options, signal: ending.signal } : options)
  const result = await program.bounded('send', program.timeoutMs, outcomeOf(sending))
  told(program, parcel, result, order)
  for (let again = result; !again.ok && again.error.code === 'unknown' && options.dedupeId !== undefined && !program.isOver;) {
    program.ports.did('library-send-again')
    again = await program.bounded('send', program.timeoutMs, outcomeOf(sync.queue<object>(name).send(payload, options)))
    if (!again.ok) continue
    program.ports.claims.enqueued(sent, { message_id: again.id })
    if (again.duplicate) program.ports.did('library-told-duplicate')
  }
}

/** By the first attempt, which the library makes in its turn. */
function told(program: QueueProgram, { sent, call }: Parcel, result: SendResult, order: SendingOrder): void {
  const { claims } = program.ports
  if (result.ok) {
    claims.enqueued(sent, { message_id: result.id })
    order.enqueued(call, result.id)
    return
  }
  if (!maybeSent.has(result.error.code)) claims.notSent(sent)
  survive(program, result.error)
}

async function outcomeOf(sending: Promise<{ readonly id: string; readonly duplicate: boolean }>): Promise<SendResult> {
  const sent = await sending.catch(refusal)
  return sent instanceof LockstepError ? { ok: false, error: sent } : { ok: true, ...sent }
}

function compose(program: QueueProgram, queue: string, call: number): Parcel {
  const { prng, ports } = program
  const { options } = ports
  const name = `${program.name}-${call}`
  const payload = { of: name, fill: 'x'.repeat(prng.pick([0, 10, 100, 3_000])) }
  const body = new TextEncoder().encode(JSON.stringify(payload))
  const delayMs = prng.pick([300, 3_000, 10_000])
  const later = prng.chance(0.7) ? { delayMs } : { deliverAt: new Date(wallOf(ports.world.scheduler.now) + delayMs) }
  return {
    // The library sends each until it knows what became of it, under the number of its batch.
    sent: ports.claims.sends(queue, body, true),
    call,
    payload,
    options: {
      ...(prng.chance(options.delayShare) ? later : {}),
      ...(prng.chance(options.keyedShare) ? { key: `k${prng.between(1, options.keys)}` } : {}),
      ...(prng.chance(options.priorityShare) ? { priority: prng.between(1, 9) } : {}),
      ...(prng.chance(options.ttlShare) ? { ttlMs: prng.pick([500, 5_000]) } : {}),
      ...(prng.chance(0.3) ? { dedupeId: name } : {}),
      ...(prng.chance(0.1) ? { headers: { trace: name } } : {}),
    },
  }
}

/** With any other the message is certainly not in the queue, and never comes. */
const maybeSent: ReadonlySet<string> = new Set(['unknown', 'aborted'])
