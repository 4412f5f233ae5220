import { Consumption } from './consumption.ts'
import { Ledger } from './ledger.ts'
import { Meter } from './meter.ts'
import type { Metered } from './meter.ts'
import type { QueueClient, Terms } from './queue-client.ts'

export interface Plan {
  /** Of a queue that no other run has. */
  readonly queue: string
  /** The number of its first message; no other run has it, nor those after it. */
  readonly first: number
  readonly work: 'produce' | 'consume' | 'both'
  /** Calls under way at once, each with so many messages. */
  readonly calls: number
  readonly batch: number
  /** So many are sent by `produce` and `both` at most; what is measured ends then. */
  readonly messagesMax: number
  /** Messages that are there before `consume` begins. */
  readonly prefill: number
  readonly warmMs: number
  readonly measuredMs: number
  /** So long nothing may come while confirmed messages are missing; then they are lost. */
  readonly patienceMs: number
  /** Of the servers. */
  readonly pids: readonly number[]
}

/** Messages a second: confirmed, for `produce`; else consumed and acked. How long it took is, by work: until it was confirmed; from when it came until the ack; from when it was sent until it came. */
export interface Measured extends Metered {
  /** Confirmed to the producers meanwhile. */
  readonly producedPerSecond: number
  /** Of the whole run: messages, each confirmed and consumed, and how many came once more. */
  readonly messages: number
  readonly duplicates: number
}

/** To fill a queue before, and to empty it after what is measured. */
const hurry = { calls: 8, batch: 100 } as const
const emptying: Terms = { credit: 1_000, batch: 100 }
/** Of what is there to be consumed: a queue that is emptied faster than expected is not empty before it is measured. */
const warmShareMax = 0.2

/** Carries out a plan on a queue of its own. Throws when anything was refused, wrong, or lost. */
export async function drive(client: QueueClient, plan: Plan): Promise<Measured> {
  const ledger = new Ledger(plan.first)
  const meter = new Meter(plan.pids)
  const produced = new Meter([])
  await client.create(plan.queue)
  const run = { client, plan, ledger, meter, produced }
  switch (plan.work) {
    case 'produce':
      await producing(run)
      break
    case 'consume':
      await consuming(run)
      break
    case 'both':
      await doingBoth(run)
      break
  }
  await client.remove(plan.queue)
  const producedPerSecond = plan.work === 'consume' ? 0 : produced.result().perSecond
  return { ...meter.result(), producedPerSecond, messages: ledger.delivered, duplicates: ledger.duplicates }
}

interface Run {
  readonly client: QueueClient
  readonly plan: Plan
  readonly ledger: Ledger
  readonly meter: Meter
  /** Of the producers alone. */
  readonly produced: Meter
}

async function producing({ client, plan, ledger, meter, produced }: Run): Promise<void> {
  using _ = measureFor(plan, [meter, produced])
  await produce(
    { client, ledger, ...plan },
    () => isOpen(meter, ledger, plan),
    (messages, ms) => {
      meter.count(messages)
      produced.count(messages)
      meter.took(ms)
    },
  )
  meter.close()
  produced.close()
  using consumption = new Consumption(ledger, plan.patienceMs, { onDelivered: () => {}, onAcked: () => {} })
  const consumer = await client.consume(plan.queue, emptying, consumption)
  await consumption.rest()
  await consumer.stop()
}

async function consuming({ client, plan, ledger, meter }: Run): Promise<void> {
  await produce(
    { client, ledger, queue: plan.queue, ...hurry },
    () => ledger.issued < plan.prefill,
    () => {},
  )
  let acked = 0
  using consumption = new Consumption(ledger, plan.patienceMs, {
    onDelivered: () => {},
    onAcked: (messages, ms) => {
      meter.count(messages)
      meter.took(ms)
      acked += messages
      if (acked >= plan.prefill * warmShareMax) meter.open()
    },
  })
  const consumer = await client.consume(plan.queue, termsOf(plan), consumption)
  using _ = measureFor(plan, [meter])
  await consumption.rest()
  meter.close()
  await consumer.stop()
}

async function doingBoth({ client, plan, ledger, meter, produced }: Run): Promise<void> {
  using consumption = new Consumption(ledger, plan.patienceMs, {
    onDelivered: (sentAt) => {
      const now = performance.now()
      for (const at of sentAt) meter.took(now - at)
    },
    onAcked: (messages) => meter.count(messages),
  })
  const consumer = await client.consume(plan.queue, termsOf(plan), consumption)
  using _ = measureFor(plan, [meter, produced])
  const all = produce(
    { client, ledger, ...plan },
    () => isOpen(meter, ledger, plan),
    (messages) => produced.count(messages),
  )
  // The consumption is not over before the producers are, unless it has failed.
  await Promise.race([all, consumption.over])
  meter.close()
  produced.close()
  await consumption.rest()
  await consumer.stop()
}

const isOpen = (meter: Meter, ledger: Ledger, { messagesMax }: Plan): boolean => !meter.isClosed && ledger.issued < messagesMax

const termsOf = ({ calls, batch }: Plan): Terms => ({ credit: calls * batch, batch })

/** Until it is disposed of. */
function measureFor({ warmMs, measuredMs }: Plan, meters: readonly Meter[]): Disposable {
  const timers = [
    setTimeout(() => {
      for (const meter of meters) meter.open()
    }, warmMs),
    setTimeout(() => {
      for (const meter of meters) meter.close()
    }, warmMs + measuredMs),
  ]
  return { [Symbol.dispose]: () => timers.forEach((timer) => clearTimeout(timer)) }
}

interface Producing {
  readonly client: QueueClient
  readonly ledger: Ledger
  readonly queue: string
  readonly calls: number
  readonly batch: number
}

async function produce(
  { client, ledger, queue, calls, batch }: Producing,
  goesOn: () => boolean,
  confirmed: (messages: number, ms: number) => void,
): Promise<void> {
  const call = async (): Promise<void> => {
    while (goesOn()) {
      const askedAt = performance.now()
      const sending = ledger.issue(batch, askedAt)
      await client.produce(queue, sending.texts)
      ledger.confirm(sending)
      confirmed(batch, performance.now() - askedAt)
    }
  }
  await Promise.all(Array.from({ length: calls }, call))
}
