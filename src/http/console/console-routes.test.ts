import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { ConsoleConfig } from '#api/common/console.ts'
import { documentOf, isDocumented } from '#http/testkit-document.ts'
import { Served } from '#http/testkit.ts'
import type { ConsoleOptions } from './console-routes.ts'

const own: ConsoleOptions = { own: '127.0.0.1:8001', peers: [], isLocal: true, control: null }
const json = { 'content-type': 'application/json' }
const release = { method: 'POST', url: '/release', payload: { resource_id: 'r', client_id: 'c' } } as const

test('the page and all that it names are served', async () => {
  await using served = new Served({}, { console: own })
  const document = await documentOf(served)
  const page = await served.http.fastify.inject('/console')
  equal(page.statusCode, 200)
  isDocumented(page, 'console', document)
  const named = [...page.body.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, url = '']) => url)
  ok(named.length > 20)
  for (const url of named) {
    const file = await served.http.fastify.inject(url)
    equal(file.statusCode, 200, url)
    match(String(file.headers['content-type']), /^(?:text\/(?:javascript|css); charset=utf-8|image\/svg\+xml)$/)
    match(String(file.headers['cache-control']), /immutable/)
  }
  equal((await served.http.fastify.inject('/console/files/other/base.css')).statusCode, 404)
  equal((await served.http.fastify.inject(`${named[0]?.replace(/[^/]+$/, '')}..%2Fpage.ts`)).statusCode, 404)
})

test('the page may run only its own scripts, and ask only the nodes that it shows', async () => {
  await using served = new Served({}, { console: { ...own, peers: ['127.0.0.1:9001'] } })
  const policy = String((await served.http.fastify.inject('/console')).headers['content-security-policy'])
  match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/)
  match(policy, /connect-src 'self' http:\/\/127\.0\.0\.1:8001 http:\/\/127\.0\.0\.1:9001;/)
  match(policy, /frame-ancestors 'none'/)
  ok(!policy.includes('unsafe'))
})

test('the page is told whom to ask: the nodes that were named, or the members of the cluster', async () => {
  const config = async (options: ConsoleOptions): Promise<ConsoleConfig> => {
    await using served = new Served({}, { console: options })
    const response = await served.http.fastify.inject('/console/config')
    isDocumented(response, 'consoleConfig', await documentOf(served))
    return response.json<ConsoleConfig>()
  }
  deepEqual((await config(own)).nodes, ['127.0.0.1:8001'])
  const { nodes, service, control } = await config({ ...own, peers: ['127.0.0.1:9001', '127.0.0.1:8001'] })
  deepEqual([nodes, service, control], [['127.0.0.1:8001', '127.0.0.1:9001'], 'lock', null])
})

test('a lock is not released for the page of a stranger', async () => {
  await using served = new Served({}, { console: own })
  const refused = await served.http.fastify.inject({ ...release, headers: { origin: 'http://evil.example', host: '127.0.0.1:8001' } })
  equal(refused.statusCode, 403)
  equal(refused.json<{ error: { code: string } }>().error.code, 'foreign_origin')
  equal(refused.headers['access-control-allow-origin'], undefined)
  const rebound = await served.http.fastify.inject({ ...release, headers: { host: 'evil.example:8001' } })
  equal(rebound.statusCode, 421)
  const preflight = await served.http.fastify.inject({
    method: 'OPTIONS',
    url: '/release',
    headers: { origin: 'http://evil.example', host: '127.0.0.1:8001', 'access-control-request-method': 'POST' },
  })
  deepEqual([preflight.statusCode, preflight.headers['access-control-allow-origin']], [403, undefined])
  deepEqual(served.asked, [])
})

test('the console of another node may read answers, streams too, and send changes', async () => {
  const origin = 'http://127.0.0.1:9001'
  await using served = new Served({}, { console: { ...own, peers: ['127.0.0.1:9001'] } })
  const headers = { origin, host: '127.0.0.1:8001' }
  const released = await served.http.fastify.inject({ ...release, headers: { ...headers, ...json } })
  deepEqual([released.statusCode, released.headers['access-control-allow-origin'], released.headers['vary']], [200, origin, 'Origin'])
  const preflight = await served.http.fastify.inject({
    method: 'OPTIONS',
    url: '/release',
    headers: { ...headers, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' },
  })
  deepEqual([preflight.statusCode, preflight.body], [204, ''])
  match(String(preflight.headers['access-control-allow-headers']), /content-type, authorization/)
  const url = await served.listen()
  const stop = new AbortController()
  const stream = await fetch(`${url}/events`, { headers: { origin }, signal: stop.signal })
  equal(stream.headers.get('access-control-allow-origin'), origin)
  stop.abort()
})
