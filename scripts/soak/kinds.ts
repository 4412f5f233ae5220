import { connect } from '#index.ts'
import type { Lockstep } from '#index.ts'
import type { Service } from '#test/harness/nine-nodes.ts'
import { HttpCalls } from './http-calls.ts'

/** Where the nodes of the services are that are tried. */
export type Urls = Readonly<Partial<Record<Service, readonly string[]>>>

/** Whether an operation goes through the library, or is a call over HTTP. */
export const ways = ['library', 'http'] as const
export type Way = (typeof ways)[number]

/** One operation; the number makes it another one each time. Rejects with an error whose `code` says why. */
export type Operation = (number: number) => Promise<void>

interface Place {
  readonly urls: Urls
  readonly owner: AsyncDisposableStack
  /** Whether what is sent is handled here as well. */
  readonly handles: boolean
}

const deadlineMs = 10_000
const keys = 2_000
const queues = 12
/** Queues do not grow without end when more is sent than is handled. */
const settings = { maxLength: 5_000, overflow: 'drop-head' } as const

interface Taken {
  readonly messages: readonly { readonly receipt: string }[]
}

const overHttp: Readonly<Record<Service, (calls: HttpCalls, number: number) => Promise<void>>> = {
  lock: async (lock, number) => {
    const named = { resource_id: `http-${number}`, client_id: `soak-${process.pid}` }
    await lock.call(number, '/acquire', { ...named, ttl_ms: 5_000 })
    await lock.call(number, '/release', named)
  },
  queue: async (queue, number) => {
    const name = { queue: `http-${number % queues}` }
    await queue.call(number, '/produce', { ...name, message: { number, text: 'x'.repeat(200) } })
    const taken = (await queue.call(number, '/consume', { ...name, consumer_id: 'soak', max: 2 })) as Taken
    if (taken.messages.length > 0) await queue.call(number, '/ack', { receipts: taken.messages.map(({ receipt }) => receipt) })
  },
  cache: async (cache, number) => {
    await cache.call(number, `/write/http-${number % keys}`, { value: { number } })
  },
}

const throughLibrary: Readonly<Record<Service, (sync: Lockstep, place: Place) => Promise<Operation>>> = {
  lock: (sync) => Promise.resolve((number) => sync.withLock(`library-${process.pid}-${number}`, () => Promise.resolve())),
  queue: async (sync, { owner, handles }) => {
    const own = namesOf('library').map((name) => sync.queue<number>(name))
    for (const queue of own) {
      await queue.create(settings)
      // Nothing is promised under overload but that what was taken is handled, or comes again.
      if (handles) owner.use(queue.work(() => {}, { concurrency: 32, onError: () => {} }))
    }
    return async (number) => void (await own[number % queues]?.send(number))
  },
  cache: async (sync) => {
    const cache = await sync.cache<number>()
    return async (number) => {
      if (number % 2 === 0) await cache.set(`library-${number % keys}`, number)
      else await cache.get(`library-${number % keys}`)
    }
  },
}

const namesOf = (way: Way): readonly string[] => Array.from({ length: queues }, (_, at) => `${way}-${at}`)

/** Operations on a service by that way, from this process; what they need ends with the owner. */
export async function operationOf(service: Service, way: Way, place: Place): Promise<Operation> {
  const { urls, owner } = place
  if (way === 'http') {
    const calls = owner.use(new HttpCalls(urls[service] ?? [], deadlineMs))
    return (number) => overHttp[service](calls, number)
  }
  const sync = owner.use(await connect({ ...urls, clientId: `soak-${process.pid}`, timeoutMs: deadlineMs }))
  return throughLibrary[service](sync, place)
}

/** Queues that are used over HTTP, with room for so much. */
export async function prepare(urls: Urls): Promise<void> {
  if (urls.queue === undefined) return
  await using sync = await connect({ queue: urls.queue })
  for (const name of namesOf('http')) await sync.queue(name).create(settings)
}
