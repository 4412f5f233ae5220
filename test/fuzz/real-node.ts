import { equal, ok } from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { cacheRoutes } from '#api/cache/routes.ts'
import { commonRoutes } from '#api/common/routes.ts'
import { lockRoutes } from '#api/locks/routes.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import type { Route } from '#api/route.ts'
import { clientUpgrade, peerUpgrade } from '#io/transport/upgrade.ts'
import { LoneNode } from '#test/harness/lone-node.ts'
import { until } from '#test/harness/until.ts'
import { badClientBytes, badPeerBytes, endingOf } from './frames.ts'
import type { HttpRequest } from './http-requests.ts'
import { badRequests, secret, wrongRequestsOf } from './http-requests.ts'
import { judgeRefusal, saysNoSecret } from './judged-answer.ts'
import { RawHttp } from './raw-http.ts'
import type { Sample } from './seeded.ts'
import { samplesOf, sendAll } from './seeded.ts'

/** What a real node does with input that is wrong. */

const routesOf = {
  lock: { ...lockRoutes, ...commonRoutes },
  queue: { ...queueRoutes, ...commonRoutes },
  cache: { ...cacheRoutes, ...commonRoutes },
} as const
export type Service = keyof typeof routesOf

/** What may be answered to a request that happens to be right: there is nobody to wait for, or no time left. */
const patient = new Set([429, 503, 504])

const healthy: HttpRequest = { method: 'GET', url: '/healthz', headers: {}, body: null }

interface Costs {
  readonly descriptors: number
  readonly heapBytes: number
}

const costsOf = async (lone: LoneNode): Promise<Costs> => ({ descriptors: lone.descriptors, heapBytes: await lone.heapBytes() })

/** A node keeps no more than some of what was met lately, such as compiled code and histograms. */
const keptBytesMax = 12 * 1024 * 1024

interface Run<Input> {
  readonly lone: LoneNode
  readonly samples: readonly Sample<Input>[]
  /** So many at a time. */
  readonly senders: readonly ((input: Input) => Promise<void>)[]
  /** Ends what the senders have kept open. */
  readonly close: () => void
}

/** Sends the inputs between two looks at the node; a connection of somebody else is served the whole time. */
async function leavesNothing<Input>(t: TestContext, { lone, samples, senders, close }: Run<Input>): Promise<void> {
  using bystander = new RawHttp(lone.node.port)
  const isServed = async (): Promise<void> => equal((await bystander.ask(healthy))?.status, 200)
  await isServed()
  const { pid } = lone.node
  const before = await costsOf(lone)
  const [first, ...others] = senders
  const andAsk = async (input: Input): Promise<void> => {
    await first?.(input)
    await isServed()
  }
  await sendAll(samples, [andAsk, ...others])
  close()
  await until('the descriptors are back', () => lone.descriptors <= before.descriptors)
  await until('the heap is back', async () => (await lone.heapBytes()) <= before.heapBytes + keptBytesMax)
  const after = await costsOf(lone)
  await isServed()
  equal(bystander.connections, 1, 'the connection of somebody else went on')
  equal(lone.node.pid, pid)
  ok(!lone.node.output.includes(secret), 'the log says no secret')
  const mebibytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1)
  t.diagnostic(
    `descriptors ${before.descriptors} → ${after.descriptors}, heap ${mebibytes(before.heapBytes)} → ${mebibytes(after.heapBytes)} MiB`,
  )
}

/** Requests of every route of the service, most of them wrong: each wrong one is refused in the one shape. */
export async function refusesRequests(t: TestContext, service: Service, count: number): Promise<void> {
  await using lone = await LoneNode.start(service, ['--log-level', 'warn'])
  const routes = Object.values<Route>(routesOf[service])
  const perRoute = Math.ceil((1.7 * count) / routes.length)
  const samples = samplesOf(t, Object.fromEntries(routes.map((route) => [wrongRequestsOf(route), badRequests(route)])), perRoute)
  const codes = new Map<string, number>()
  const judge = async (http: RawHttp, request: HttpRequest): Promise<void> => {
    const answer = await http.ask(request)
    ok(answer !== null, `no answer to ${request.method} ${request.url.slice(0, 200)}`)
    const { status, text } = answer
    // That there is nothing is an answer of the cache, and no error.
    if (status < 400 || text.startsWith('{"key":')) return saysNoSecret(text)
    const code = patient.has(status) ? `patience ${status}` : judgeRefusal(status, text)
    codes.set(code, (codes.get(code) ?? 0) + 1)
  }
  const connections = Array.from({ length: 16 }, () => new RawHttp(lone.node.port))
  const senders = connections.map((http) => (request: HttpRequest) => judge(http, request))
  const close = (): void => {
    for (const http of connections) http[Symbol.dispose]()
  }
  await leavesNothing(t, { lone, samples, senders, close })
  t.diagnostic(JSON.stringify(Object.fromEntries(codes)))
  const refused = [...codes].filter(([code]) => !code.startsWith('patience')).reduce((sum, [, each]) => sum + each, 0)
  ok(refused >= count, `only ${refused} were refused`)
}

/** Broken greetings and frames behind the upgrade of a client, and behind that of a node: each ends its own connection. */
export async function refusesFrames(t: TestContext, service: Service, count: number): Promise<void> {
  await using lone = await LoneNode.start(service, ['--log-level', 'warn'])
  for (const [{ path, protocol }, inputs] of [
    [clientUpgrade, { [`bytes of a ${service} client`]: badClientBytes(service) }],
    [peerUpgrade, { [`bytes of a ${service} node`]: badPeerBytes(service) }],
  ] as const) {
    const codes = new Map<string, number>()
    const send = async (bytes: Uint8Array): Promise<void> => {
      const { upgraded, said } = await endingOf({ port: lone.node.port, path, protocol, bytes })
      ok(upgraded)
      if (said !== null) saysNoSecret(said.detail)
      const code = said?.code ?? 'no words'
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
    const senders = Array.from({ length: 32 }, () => send)
    await leavesNothing(t, { lone, samples: samplesOf(t, inputs, count), senders, close: () => {} })
    t.diagnostic(`${path}: ${JSON.stringify(Object.fromEntries(codes))}`)
    ok((codes.get('malformed') ?? 0) > count / 4)
  }
}
