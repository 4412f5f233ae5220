import { Agent, request } from 'node:http'
import { connect } from '#index.ts'
import type { Cache, Lockstep } from '#index.ts'
import type { ProcessCluster } from '#test/harness/process-cluster.ts'
import type { Service } from '#test/harness/nine-nodes.ts'

/** One kind of operation; the number makes it another one each time. Rejects with an error whose `code` says why. */
export interface Kind {
  readonly service: Service
  readonly name: string
  readonly run: (number: number) => Promise<void>
}

/** Of the services that are tried. */
export type Clusters = Readonly<Partial<Record<Service, ProcessCluster>>>

const deadlineMs = 10_000
const keys = 2_000
const queues = 12
/** Queues do not grow without end when more is sent than is handled. */
const settings = { maxLength: 5_000, overflow: 'drop-head' } as const

class HttpFailure extends Error {
  readonly code: string

  constructor(code: string) {
    super(`the call ended with ${code}`)
    this.code = code
  }
}

/** Calls over HTTP to the nodes of a cluster in turn, on connections that are kept. */
class HttpCalls implements Disposable {
  readonly #cluster: ProcessCluster
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 })

  constructor(cluster: ProcessCluster) {
    this.#cluster = cluster
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  /** What was answered; rejects with the status of anything that is no success, or with `deadline`. */
  call(number: number, path: string, body: object, isAgain = false): Promise<unknown> {
    const { nodes } = this.#cluster
    const payload = JSON.stringify(body)
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
    const signal = AbortSignal.timeout(deadlineMs)
    return new Promise((resolve, reject) => {
      const outgoing = request(`${nodes[number % nodes.length]?.url}${path}`, { method: 'POST', headers, agent: this.#agent, signal })
      outgoing.on('error', (error: Error & { readonly code?: string }) => {
        // It rested for too long: that is found out when it is used again, as every client does; once.
        if (error.code === 'ECONNRESET' && outgoing.reusedSocket && !isAgain) resolve(this.call(number, path, body, true))
        else reject(new HttpFailure(signal.aborted ? 'deadline' : (error.code ?? error.name)))
      })
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('error', reject)
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('end', () => {
          const { statusCode = 0 } = incoming
          if (statusCode >= 300) reject(new HttpFailure(String(statusCode)))
          else resolve(JSON.parse(Buffer.concat(chunks).toString()))
        })
      })
      outgoing.end(payload)
    })
  }
}

function overHttp(clusters: Clusters, owner: AsyncDisposableStack): readonly Kind[] {
  const through = (service: Service, run: (calls: HttpCalls, number: number) => Promise<void>): readonly Kind[] => {
    const cluster = clusters[service]
    if (cluster === undefined) return []
    const calls = owner.use(new HttpCalls(cluster))
    return [{ service, name: `${service} over HTTP`, run: (number) => run(calls, number) }]
  }
  return [
    ...through('lock', async (lock, number) => {
      const named = { resource_id: `http-${number}`, client_id: 'soak' }
      await lock.call(number, '/acquire', { ...named, ttl_ms: 5_000 })
      await lock.call(number, '/release', named)
    }),
    ...through('queue', async (queue, number) => {
      const name = { queue: `http-${number % queues}` }
      await queue.call(number, '/produce', { ...name, message: { number, text: 'x'.repeat(200) } })
      const taken = (await queue.call(number, '/consume', { ...name, consumer_id: 'soak', max: 2 })) as Taken
      if (taken.messages.length > 0) await queue.call(number, '/ack', { receipts: taken.messages.map(({ receipt }) => receipt) })
    }),
    ...through('cache', async (cache, number) => {
      await cache.call(number, `/write/http-${number % keys}`, { value: { number } })
    }),
  ]
}

interface Taken {
  readonly messages: readonly { readonly receipt: string }[]
}

async function throughLibrary(sync: Lockstep, clusters: Clusters, owner: AsyncDisposableStack): Promise<readonly Kind[]> {
  const kinds: Kind[] = []
  if (clusters.lock !== undefined) {
    const run = (number: number): Promise<void> => sync.withLock(`library-${number}`, () => Promise.resolve())
    kinds.push({ service: 'lock', name: 'lock through the library', run })
  }
  if (clusters.queue !== undefined) {
    const own = Array.from({ length: queues }, (_, at) => sync.queue<number>(`library-${at}`))
    for (const queue of own) {
      await queue.create(settings)
      // Nothing is promised under overload but that what was taken is handled, or comes again.
      owner.use(queue.work(() => {}, { concurrency: 32, onError: () => {} }))
    }
    for (let at = 0; at < queues; at++) await sync.queue(`http-${at}`).create(settings)
    const run = async (number: number): Promise<void> => void (await own[number % queues]?.send(number))
    kinds.push({ service: 'queue', name: 'queue through the library', run })
  }
  if (clusters.cache !== undefined) {
    const cache: Cache<number> = await sync.cache<number>()
    const run = async (number: number): Promise<void> => {
      if (number % 2 === 0) await cache.set(`library-${number % keys}`, number)
      else await cache.get(`library-${number % keys}`)
    }
    kinds.push({ service: 'cache', name: 'cache through the library', run })
  }
  return kinds
}

export const urlsOf = (clusters: Clusters): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(Object.entries(clusters).map(([service, { nodes }]) => [service, nodes.map(({ url }) => url)]))

/** Every kind of operation, over both ways to each service. */
export async function kindsOf(clusters: Clusters, owner: AsyncDisposableStack): Promise<readonly Kind[]> {
  const sync = owner.use(await connect({ ...urlsOf(clusters), clientId: 'soak', timeoutMs: deadlineMs }))
  return [...(await throughLibrary(sync, clusters, owner)), ...overHttp(clusters, owner)]
}
