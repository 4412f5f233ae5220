import { equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import fc from 'fast-check'
import { roleOf } from '#api/access/access.ts'
import { cacheRoutes } from '#api/cache/routes.ts'
import { commonRoutes } from '#api/common/routes.ts'
import type { ErrorCode } from '#api/errors.ts'
import { lockRoutes } from '#api/locks/routes.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import type { Route } from '#api/route.ts'
import { clientUpgrade, peerUpgrade } from '#io/transport/upgrade.ts'
import { cli } from '#test/harness/cli.ts'
import { LoneNode } from '#test/harness/lone-node.ts'
import { until } from '#test/harness/until.ts'
import { badClientBytes, badPeerBytes, endingOf } from './frames.ts'
import type { HttpRequest } from './http-requests.ts'
import { badRequests, goodRequests, secret, wrongRequestsOf } from './http-requests.ts'
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

const rolesElsewhere = { lock: 'produce', queue: 'cache-read', cache: 'lock' } as const

interface Strange {
  readonly request: HttpRequest
  readonly code: ErrorCode
}

/** Calls that would be right but for who makes them: nobody, somebody with a token that is not known, or somebody who may do something else. */
function strangeCalls(route: Route, token: string): fc.Arbitrary<Strange> {
  const known: readonly (readonly [string, ErrorCode])[] = roleOf(route.access) === null ? [] : [[`Bearer ${token}`, 'forbidden']]
  const shown = fc.constantFrom<readonly [string | null, ErrorCode]>([null, 'unauthorized'], [`Bearer ${secret}`, 'unauthorized'], ...known)
  return fc.tuple(goodRequests(route), shown).map(([request, [authorization, code]]) => ({
    request: authorization === null ? request : { ...request, headers: { ...request.headers, authorization } },
    code,
  }))
}

/** Each is refused for the right reason, on every route that is not for anybody. */
export async function refusesStrangers(t: TestContext, service: Service, count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'tokens.json')
  const made = await cli(['token', 'create', '--name', 'other', '--role', rolesElsewhere[service], '--file', file])
  await using lone = await LoneNode.start(service, ['--log-level', 'error', '--tokens', file])
  const routes = Object.values<Route>(routesOf[service]).filter(({ access }) => access.type !== 'open')
  const strange = Object.fromEntries(
    routes.map((route) => [`stranger ${route.method} ${route.path}`, strangeCalls(route, made.stdout.trim())]),
  )
  const samples = samplesOf(t, strange, Math.ceil(count / routes.length))
  const codes = new Map<string, number>()
  const connections = Array.from({ length: 16 }, () => new RawHttp(lone.node.port))
  const senders = connections.map((http) => async ({ request, code }: Strange) => {
    const answer = await http.ask(request)
    ok(answer !== null, `no answer to ${request.method} ${request.url.slice(0, 200)}`)
    equal(judgeRefusal(answer.status, answer.text), code)
    codes.set(code, (codes.get(code) ?? 0) + 1)
  })
  const close = (): void => {
    for (const http of connections) http[Symbol.dispose]()
  }
  await leavesNothing(t, { lone, samples, senders, close })
  t.diagnostic(JSON.stringify(Object.fromEntries(codes)))
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
