import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { documentOf, isDocumented } from './testkit-document.ts'
import { Served } from './testkit.ts'

interface Refused {
  readonly error: { readonly code: string; readonly message: string; readonly retryable: boolean }
}

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

test('every call of a node is answered as its document says', async () => {
  await using served = new Served()
  const document = await documentOf(served)
  for (const [id, url] of [
    ['describe', '/'],
    ['health', '/healthz'],
    ['ready', '/readyz'],
    ['metrics', '/metrics'],
    ['metrics', '/metrics?format=prometheus'],
    ['cluster', '/cluster'],
    ['openapi', '/openapi.json'],
    ['docs', '/docs'],
  ] as const) {
    const response = await served.http.fastify.inject(url)
    equal(response.statusCode, 200, url)
    isDocumented(response, id, document)
    const head = await served.http.fastify.inject({ method: 'HEAD', url })
    deepEqual([head.statusCode, head.body], [200, ''], `HEAD ${url}`)
  }
})

test('every call of operators is answered as its document says', async () => {
  await using served = new Served()
  const document = await documentOf(served)
  for (const [id, url, payload] of [
    ['leave', '/cluster/leave', {}],
    ['leave', '/cluster/leave', { node_id: 'lock-node-2' }],
    ['removeMember', '/cluster/remove', { node_id: 'lock-node-2', force: true }],
    ['transfer', '/cluster/transfer', { slot: 1, to: 'lock-node-2' }],
    ['transfer', '/cluster/transfer', { from: 'lock-node-1' }],
    ['rebalance', '/cluster/rebalance', undefined],
  ] as const) {
    const response = await served.http.fastify.inject({ method: 'POST', url, ...(payload === undefined ? {} : { payload }) })
    equal(response.statusCode, 200, `${url} ${response.body}`)
    isDocumented(response, id, document)
  }
  const members = await served.http.fastify.inject('/cluster/members?consistency=local')
  equal(members.statusCode, 200)
  isDocumented(members, 'members', document)
  for (const payload of [{}, { slot: 1, from: 'lock-node-1' }, { from: 'lock-node-1', to: 'lock-node-1' }, { slot: -1 }, { slots: 1 }]) {
    const refused = await served.http.fastify.inject({ method: 'POST', url: '/cluster/transfer', payload })
    equal(refused.json<Refused>().error.code, 'invalid_request', JSON.stringify(payload))
  }
})

test('/ tells a program what there is, and sends a browser to a page', async () => {
  await using served = new Served({}, { home: '/console' })
  const response = await served.http.fastify.inject('/')
  const { service, node_id: node, role, endpoints } = response.json<Record<string, unknown> & { endpoints: { path: string }[] }>()
  deepEqual([service, node, role], ['lock', 'lock-node-1', 'follower'])
  ok(endpoints.some(({ path }) => path === '/acquire') && endpoints.some(({ path }) => path === '/events'))
  const page = await served.http.fastify.inject({ url: '/', headers: { accept: browser } })
  deepEqual([page.statusCode, page.headers.location], [302, '/console'])
})

test('/readyz says why a node is not ready, while /healthz only says that it is up', async () => {
  await using served = new Served()
  const document = await documentOf(served)
  served.node.reason = 'no leader is known for slot 0'
  const response = await served.http.fastify.inject('/readyz')
  deepEqual([response.statusCode, response.headers['retry-after']], [503, '1'])
  const { error } = response.json<Refused>()
  deepEqual([error.code, error.retryable], ['not_ready', true])
  match(error.message, /no leader is known for slot 0/)
  isDocumented(response, 'ready', document)
  equal((await served.http.fastify.inject('/healthz')).statusCode, 200)

  served.isStarting = true
  match((await served.http.fastify.inject('/readyz')).json<Refused>().error.message, /the node is starting/)
  equal((await served.http.fastify.inject('/healthz')).statusCode, 200)
  for (const url of ['/', '/cluster', '/events']) equal((await served.http.fastify.inject(url)).statusCode, 503, url)
})

test('/metrics is JSON for people, and the text of Prometheus for whoever asks for text', async () => {
  await using served = new Served()
  const typeFor = async (accept: string, query = ''): Promise<unknown> =>
    (await served.http.fastify.inject({ url: `/metrics${query}`, headers: { accept } })).headers['content-type']
  const json = 'application/json; charset=utf-8'
  const text = 'text/plain; version=0.0.4; charset=utf-8'
  equal(await typeFor('*/*'), json)
  equal(await typeFor(browser), json)
  equal(await typeFor('application/json, text/plain, */*'), json)
  equal(await typeFor('text/plain'), text)
  equal(await typeFor('application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1'), text)
  equal(await typeFor('*/*', '?format=prometheus'), text)
  equal(await typeFor('text/plain', '?format=json'), json)
})

test('defect 18: /metrics is served as it is advertised, and its figures are of what was done', async () => {
  await using served = new Served()
  const { fastify } = served.http
  const { endpoints } = (await fastify.inject('/')).json<{ endpoints: { path: string }[] }>()
  ok(endpoints.some(({ path }) => path === '/metrics'))
  const counted = async (): Promise<number> => {
    const response = await fastify.inject('/metrics')
    equal(response.statusCode, 200)
    const { metrics } = response.json<{ metrics: Record<string, { values: { labels: { path: string }; value: number }[] }> }>()
    return metrics['lockstep_http_requests_total']?.values.find(({ labels }) => labels.path === '/acquire')?.value ?? 0
  }
  for (let requests = 0; requests < 3; requests++) {
    equal(await counted(), requests)
    await fastify.inject({ method: 'POST', url: '/acquire', payload: { resource_id: 'r', client_id: 'A' } })
  }
})

test('requests are measured by the path of the reference, so that names in paths make no new series', async () => {
  await using served = new Served()
  const { fastify } = served.http
  for (const name of ['a', 'b', 'c']) await fastify.inject(`/locks/${name}`)
  await fastify.inject('/nowhere')
  const text = (await fastify.inject('/metrics?format=prometheus')).body
  match(text, /lockstep_http_requests_total\{method="GET",path="\/locks\/\{resource_id\}",status="200",node="lock-node-1"\} 3/)
  match(text, /lockstep_http_requests_total\{method="GET",path="unknown",status="404",node="lock-node-1"\} 1/)
  const { metrics } = (await fastify.inject('/metrics')).json<{ metrics: Record<string, { values: { count: number }[] }> }>()
  equal(metrics['lockstep_http_request_seconds']?.values[0]?.count, 3)
})

test('/docs needs nothing from anywhere', async () => {
  await using served = new Served()
  const { body, headers } = await served.http.fastify.inject('/docs')
  match(String(headers['content-security-policy']), /default-src 'none'/)
  ok(!/<script|<link|<img|@import|url\(|https?:/.test(body))
  const { paths } = await documentOf(served)
  for (const path of Object.keys(paths)) ok(body.includes(`<code>${path}</code>`), path)
  for (const word of ['fencing_token', 'lock_timeout', 'up to 256 bytes', '0 to 86400000', 'default 60000']) ok(body.includes(word), word)
  equal(body.match(/<details/g)?.length, body.match(/<\/details>/g)?.length)
  ok(!/undefined|\[object|NaN/.test(body))
})

test('a node that is told to stop refuses what comes, and says so', async () => {
  await using served = new Served()
  await served.http.drain(0)
  const response = await served.http.fastify.inject('/healthz')
  deepEqual([response.statusCode, response.json<Refused>().error.code], [503, 'stopping'])
  equal(response.headers.connection, 'close')
})
