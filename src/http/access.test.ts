import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { accessLimits } from '#api/access/limits.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { RateLimiter } from '#core/access/rate-limiter.ts'
import type { Token } from '#core/access/types.ts'
import { AccessControl } from '#services/access/access-control.ts'
import type { GuardPorts } from '#services/access/guarded-clients.ts'
import { Served } from './testkit.ts'
import { ServedCache } from './testkit-cache.ts'
import { routesOf } from './testkit-document.ts'
import { ServedQueues } from './testkit-queues.ts'

/** Tokens whose secrets are their names. */
class Tokens {
  readonly #tokens = new Map<string, Token>()
  lookUps = 0

  constructor(...tokens: readonly (Partial<Token> & Pick<Token, 'name'>)[]) {
    for (const token of tokens) this.#tokens.set(token.name, { roles: [], prefixes: [], expiresAt: null, ...token })
  }

  find(secret: string): Token | null {
    this.lookUps++
    return this.#tokens.get(secret) ?? null
  }

  has(token: Token): boolean {
    return this.#tokens.get(token.name) === token
  }

  revoke(name: string): void {
    this.#tokens.delete(name)
  }
}

class World {
  now = 0
  readonly refused: string[] = []
  readonly ports: GuardPorts

  constructor(tokens: Tokens | null, limiter: RateLimiter | null = null) {
    const clock = { now: () => millis(this.now), wall: () => wallMillis(this.now) }
    const refused: GuardPorts['refused'] = (action, { caller, names }) =>
      this.refused.push(`${caller.token?.name}: ${[action, ...names].join(' ')}`)
    this.ports = { control: new AccessControl({ tokens, limiter, clock }), refused }
  }
}

const tokens = (): Tokens =>
  new Tokens(
    { name: 'locker', roles: ['lock'] },
    { name: 'limited', roles: ['lock'], prefixes: ['a-', 'b-'] },
    { name: 'narrow', roles: ['produce'], prefixes: ['a-'] },
    { name: 'boss', roles: ['admin'] },
    { name: 'small-boss', roles: ['admin'], prefixes: ['a-'] },
    { name: 'late', roles: ['lock'], expiresAt: 1_000 },
  )

interface Answer {
  readonly status: number
  readonly body: { readonly error?: { readonly code: string; readonly message: string; readonly [detail: string]: unknown } }
  readonly headers: Headers
}

async function serve(
  context: TestContext,
  served: Served | ServedCache,
): Promise<(path: string, token?: string | null, body?: object, headers?: object) => Promise<Answer>> {
  context.after(() => served[Symbol.asyncDispose]())
  const url = await served.listen()
  return async (path, token = null, body, headers = {}) => {
    const response = await fetch(`${url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    return { status: response.status, body: (isJson ? JSON.parse(text) : {}) as Answer['body'], headers: response.headers }
  }
}

test('every call of every service asks for a token, but for the two that say how the process is', async (context) => {
  const { ports } = new World(tokens())
  const all = [new Served({}, { access: ports }), new ServedQueues({}, { access: ports }), new ServedCache({}, { access: ports })]
  let asked = 0
  for (const served of all) {
    context.after(() => served[Symbol.asyncDispose]())
    for (const each of await routesOf(served)) {
      const [method = '', path = ''] = each.split(' ')
      const { statusCode } = await served.http.fastify.inject({ method: method as 'GET', url: path.replaceAll(/:\w+/g, 'x') })
      equal(statusCode === 401, path !== '/healthz' && path !== '/readyz', each)
      asked++
    }
  }
  ok(asked > 60, `only ${asked} calls`)
})

const acquire = (resource: string): object => ({ resource_id: resource, client_id: 'c' })

test('without a token, or with one that nobody knows, nothing is carried out or told, but that the process is up', async (context) => {
  const served = new Served({}, { access: new World(tokens()).ports })
  const ask = await serve(context, served)
  for (const path of ['/healthz', '/readyz']) equal((await ask(path)).status, 200)
  for (const path of ['/', '/docs', '/openapi.json', '/metrics', '/cluster', '/cluster/members', '/events', '/locks', '/deadlocks']) {
    equal((await ask(path)).status, 401, path)
  }
  for (const token of [null, 'nobody', 'LOCKER', 'lockerlocker']) {
    const { status, body, headers } = await ask('/acquire', token, acquire('r'))
    equal(status, 401)
    equal(body.error?.code, 'unauthorized')
    match(String(headers.get('www-authenticate')), /^Bearer /)
  }
  const malformed = await ask('/acquire', null, { nonsense: true })
  equal(malformed.body.error?.code, 'unauthorized', 'who may not ask is not told what is wrong with the question')
  deepEqual(served.asked, [])
})

test('a token is good for its roles, and what it lacks is named', async (context) => {
  const served = new Served({}, { access: new World(tokens()).ports })
  const ask = await serve(context, served)
  equal((await ask('/acquire', 'locker', acquire('r'))).status, 200)
  equal((await ask('/acquire', 'boss', acquire('r'))).status, 200, 'an admin may do everything')
  const refused = await ask('/acquire', 'narrow', acquire('a-1'))
  equal(refused.status, 403)
  deepEqual([refused.body.error?.code, refused.body.error?.['role']], ['forbidden', 'lock'])
  for (const path of ['/locks/a-1', '/cluster', '/metrics', '/docs']) equal((await ask(path, 'narrow')).status, 200, 'any token may look')
  deepEqual(
    served.asked.map(({ call }) => call.caller),
    ['locker', 'boss', 'narrow'],
  )
})

test('operators need the role admin, and who tries without leaves a trace', async (context) => {
  const world = new World(tokens())
  const ask = await serve(context, new Served({}, { access: world.ports }))
  const force = { resource_id: 'a-1' }
  equal((await ask('/force-release', 'boss', force)).status, 200)
  equal((await ask('/force-release', 'small-boss', force)).status, 200)
  equal((await ask('/force-release', 'locker', force)).status, 403)
  equal((await ask('/force-release', 'small-boss', { resource_id: 'c' })).status, 403)
  equal((await ask('/cluster/rebalance', 'boss', {})).status, 200)
  equal((await ask('/cluster/rebalance', 'small-boss', {})).status, 403, 'the cluster is everybody’s')
  equal((await ask('/cluster/rebalance', null, {})).status, 401)
  deepEqual(world.refused, ['locker: forceRelease', 'small-boss: forceRelease c', 'small-boss: rebalance'])
})

test('a token with prefixes may name only what begins with one of them, wherever the name stands', async (context) => {
  const served = new Served({}, { access: new World(tokens()).ports })
  const ask = await serve(context, served)
  const many = (...names: readonly string[]): object => ({ client_id: 'c', resources: names.map((name) => ({ resource_id: name })) })
  equal((await ask('/acquire', 'limited', acquire('b-1'))).status, 200)
  equal((await ask('/acquire-many', 'limited', many('a-1', 'b-1'))).status, 200)
  const refused = await ask('/acquire-many', 'limited', many('a-1', 'c'))
  deepEqual([refused.status, refused.body.error?.['prefixes']], [403, ['a-', 'b-']])
  for (const path of ['/release', '/extend', '/check']) {
    equal(
      (
        await ask(path, 'limited', {
          resource_id: 'c',
          client_id: 'c',
          ...(path === '/check' ? { client_id: undefined, fencing_token: 1 } : {}),
        })
      ).status,
      403,
    )
  }
  equal((await ask('/locks/a%2D1', 'limited')).status, 200)
  equal((await ask('/locks/c', 'limited')).status, 403)
  equal((await ask('/locks/%61-1', 'limited')).status, 200, 'the name counts, and not how it is written')
  for (const path of ['/deadlocks', '/events']) equal((await ask(path, 'limited')).status, 403, 'they show the names of all')
  equal((await ask('/acquire', 'limited', acquire(''))).body.error?.code, 'invalid_request')
})

test('a list shows a token with prefixes what begins with one of them', async (context) => {
  const served = new Served({}, { access: new World(tokens()).ports })
  const ask = await serve(context, served)
  const prefixes = async (path: string, token: string): Promise<unknown> => {
    const before = served.asked.length
    const { status } = await ask(path, token)
    return status === 200 ? (served.asked[before] as { request: { prefix?: string } }).request.prefix : status
  }
  equal(await prefixes('/locks', 'locker'), undefined)
  equal(await prefixes('/locks', 'narrow'), 'a-')
  equal(await prefixes('/locks?prefix=a-x', 'narrow'), 'a-x')
  equal(await prefixes('/locks?prefix=b', 'narrow'), 403)
  equal(await prefixes('/locks?prefix=b', 'limited'), 'b-')
  equal(await prefixes('/locks', 'limited'), 403, 'which of the two?')
})

test('a batch needs for each of its operations what that needs', async (context) => {
  const world = new World(
    new Tokens({ name: 'reader', roles: ['cache-read'], prefixes: ['a'] }, { name: 'both', roles: ['cache-read', 'cache-write'] }),
  )
  const ask = await serve(context, new ServedCache({}, { access: world.ports }))
  const batch = (...operations: readonly object[]): object => ({ operations })
  const [read, write] = [
    { type: 'read', key: 'a1' },
    { type: 'write', key: 'a1', value: 1 },
  ]
  equal((await ask('/batch', 'reader', batch(read))).status, 200)
  deepEqual((await ask('/batch', 'reader', batch(read, write))).body.error?.['role'], 'cache-write')
  equal((await ask('/batch', 'reader', batch({ ...read, key: 'b' }))).status, 403)
  equal((await ask('/batch', 'both', batch(read, write))).status, 200)
  equal((await ask('/batch', null, batch(read))).status, 401)
  equal((await ask('/bus', 'reader')).status, 403)
})

test('a token that has expired, or is taken away, counts no more on connections that were let in by it', async (context) => {
  const all = tokens()
  const world = new World(all)
  const ask = await serve(context, new Served({}, { access: world.ports }))
  world.now = 999
  equal((await ask('/acquire', 'late', acquire('r'))).status, 200)
  world.now = 1_000
  match((await ask('/acquire', 'late', acquire('r'))).body.error?.message ?? '', /the token late has expired/)
  equal((await ask('/acquire', 'locker', acquire('r'))).status, 200)
  all.revoke('locker')
  equal((await ask('/acquire', 'locker', acquire('r'))).status, 401)
})

test('a stream is broken off when the token that it was opened with counts no more', { timeout: 30_000 }, async (context) => {
  const all = new Tokens({ name: 'reader', roles: ['cache-read'] }, { name: 'other', roles: ['cache-read'] })
  const served = new ServedCache({}, { access: new World(all).ports })
  context.after(() => served[Symbol.asyncDispose]())
  const url = await served.listen()
  const open = (path: string, token: string): Promise<Response> =>
    fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(20_000) })
  const paths = ['/watch/k', '/bus']
  const streams = await Promise.all(paths.map((path) => open(path, 'reader')))
  const stays = await open('/watch/k', 'other')
  deepEqual(
    streams.map(({ status }) => status),
    [200, 200],
  )
  all.revoke('reader')
  // Until it ends; a stream that goes on runs into the time-out, which is another error.
  for (const stream of streams) await rejects(stream.text(), { message: 'terminated' })
  const reader = stays.body?.getReader()
  equal((await reader?.read())?.done, false, 'that of another token goes on')
  await reader?.cancel()
})

test('a token is looked up once for each connection', async (context) => {
  const all = tokens()
  const served = new Served({}, { access: new World(all).ports })
  context.after(() => served[Symbol.asyncDispose]())
  for (let turn = 0; turn < 3; turn++) {
    const answer = await served.http.fastify.inject({ url: '/locks/r', headers: { authorization: 'Bearer locker' } })
    equal(answer.statusCode, 200)
  }
  equal(all.lookUps, 3, 'each of these is a connection of its own')
  const ask = await serve(context, served)
  for (let turn = 0; turn < 10; turn++) equal((await ask('/locks/r', 'locker')).status, 200)
  ok(all.lookUps < 3 + 10)
})

test('what a browser sends by itself is good for looking only, also on a connection that it was good on', async (context) => {
  const served = new Served({}, { access: new World(tokens()).ports })
  const ask = await serve(context, served)
  const basic = { authorization: `Basic ${btoa('anybody:locker')}` }
  equal((await ask('/docs', null, undefined, basic)).status, 200)
  equal((await ask('/locks', null, undefined, basic)).status, 200)
  equal((await ask('/acquire', null, acquire('r'), basic)).status, 401)
  const page = await served.http.fastify.inject({ url: '/docs', headers: { accept: 'text/html' } })
  deepEqual(
    page.headers['www-authenticate'],
    ['Basic realm="lockstep", charset="UTF-8"', 'Bearer realm="lockstep"'],
    'a browser asks its user, though it knows one challenge of each header only',
  )
})

test('callers have limits of their own, by their tokens and not by where they are', async (context) => {
  const world = new World(tokens(), new RateLimiter({ perSecond: 1, burst: 2, keysMax: 10 }))
  const ask = await serve(context, new Served({}, { access: world.ports }))
  for (const token of ['locker', 'boss', null]) {
    const expected = token === null ? 401 : 200
    const statuses = [await ask('/locks', token), await ask('/locks', token)].map(({ status }) => status)
    deepEqual(statuses, [expected, expected])
    const limited = await ask('/locks', token)
    deepEqual([limited.status, limited.body.error?.code, limited.headers.get('retry-after')], [429, 'rate_limited', '1'])
  }
  equal((await ask('/nothing', null)).status, 429, 'also who looks for what is not there')
  equal((await ask('/healthz')).status, 200)
  world.now = 1_000
  equal((await ask('/locks', 'locker')).status, 200)
})

test('limits alone ask nobody for a token', async (context) => {
  const world = new World(null, new RateLimiter({ perSecond: 1, burst: 1, keysMax: accessLimits.callersMax }))
  const ask = await serve(context, new Served({}, { access: world.ports }))
  equal((await ask('/acquire', null, acquire('r'))).status, 200)
  equal((await ask('/acquire', 'whatever', acquire('r'))).status, 429)
})

test('no answer to who is not let in has a secret, a path or a stack in it', async (context) => {
  const served = new Served({}, { access: new World(tokens()).ports })
  const ask = await serve(context, served)
  const secret = 'not-a-token-of-anybody'
  const answers = [
    await ask('/acquire', secret, acquire('r')),
    await ask('/acquire', 'limited', acquire('c')),
    await ask('/docs', null, undefined, { authorization: `Basic ${btoa(`x:${secret}`)}` }),
    await ask('/docs', null, undefined, { authorization: `Digest ${secret}` }),
    await ask('/docs', 'x'.repeat(8_000)),
  ]
  for (const { body, status } of answers) {
    const text = JSON.stringify(body)
    ok(status === 401 || status === 403, text)
    ok(!text.includes(secret) && !/at .*:\d+|\/src\/|node_modules/.test(text), text)
    ok(text.length < 400)
  }
})
