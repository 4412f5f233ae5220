import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { test } from 'node:test'
import { lockRoutes } from '#api/locks/routes.ts'
import { CommandError } from '#cli/command-error.ts'
import { freePorts } from '#test/harness/free-ports.ts'
import { ServiceClient, orRefused } from './service-client.ts'
import { httpRequestOf } from './route-request.ts'
import { fault, FakeNode, json } from './testkit.ts'

test('a request is spread over path, query and body as its route says', () => {
  deepEqual(httpRequestOf(lockRoutes.lock, { resource_id: 'a/b c', consistency: 'local' }), {
    method: 'GET',
    path: '/locks/a%2Fb%20c?consistency=local',
    body: null,
    statuses: [200],
  })
  deepEqual(httpRequestOf(lockRoutes.release, { resource_id: 'r', client_id: 'c', fencing_token: 7 }), {
    method: 'POST',
    path: '/release',
    body: '{"resource_id":"r","client_id":"c","fencing_token":7}',
    statuses: [200],
  })
  deepEqual(httpRequestOf(lockRoutes.keepSessionAlive, { session_id: 's' }), {
    method: 'POST',
    path: '/sessions/s/keepalive',
    body: null,
    statuses: [200],
  })
})

const released = json(200, { status: 'released', granted_to: [] })
const hangs: RequestListener = () => {}

const release = (client: ServiceClient) => client.call(lockRoutes.release, () => ({ resource_id: 'r', client_id: 'c' }))
const nobody = async (): Promise<string> => `http://127.0.0.1:${(await freePorts(1))[0]}`

test('a node that does not listen, starts, hangs or is something else is passed over, and the one that answered is asked first from then on', async () => {
  await using starting = await FakeNode.of(fault(503, 'not_ready'))
  await using stranger = await FakeNode.of((_request, response) => void response.writeHead(404).end('<html>'))
  await using hanging = await FakeNode.of(hangs)
  await using good = await FakeNode.of(released)
  const urls = [await nobody(), starting.url, stranger.url, hanging.url, good.url]
  const client = new ServiceClient({ urls, timeoutMs: 4_000 })
  deepEqual(orRefused(await release(client)).granted_to, [])
  deepEqual(orRefused(await release(client)).granted_to, [])
  deepEqual([starting.asked.length, stranger.asked.length, hanging.asked.length, good.asked.length], [1, 1, 1, 2])
})

test('what the service refuses is refused: no other node is asked', async () => {
  await using one = await FakeNode.of(fault(409, 'not_holder'))
  await using two = await FakeNode.of(released)
  const refusal = await release(new ServiceClient({ urls: [one.url, two.url], timeoutMs: 2_000 }))
  equal(refusal.ok, false)
  equal(two.asked.length, 0)
})

test('a script can tell a lock that others have from a cluster that is not there', async () => {
  const codeOf = async (answer: RequestListener, timeoutMs = 10_000): Promise<number> => {
    await using node = await FakeNode.of(answer)
    try {
      orRefused(await release(new ServiceClient({ urls: [node.url], timeoutMs })))
      return 0
    } catch (error) {
      return error instanceof CommandError ? error.exitCode : -1
    }
  }
  equal(await codeOf(released), 0)
  equal(await codeOf(fault(409, 'not_holder')), 1)
  equal(await codeOf(fault(408, 'lock_timeout')), 75)
  equal(await codeOf(fault(503, 'no_leader'), 200), 69)
  equal(await codeOf(hangs, 200), 69)
})

test('when no node listens that is said at once, with all that was tried', async () => {
  const urls = [await nobody(), await nobody()]
  const startedAt = performance.now()
  await rejects(release(new ServiceClient({ urls, timeoutMs: 60_000 })), ({ message }: Error) => {
    for (const url of urls) match(message, new RegExp(`${url} {2}connection refused`))
    return true
  })
  equal(performance.now() - startedAt < 10_000, true)
})

test('a cluster without a leader is asked again until it has one', async () => {
  let asked = 0
  await using node = await FakeNode.of((request, response) => (++asked < 4 ? fault(503, 'no_leader') : released)(request, response))
  equal((await release(new ServiceClient({ urls: [node.url], timeoutMs: 10_000 }))).ok, true)
  equal(asked, 4)
})

test('what must not happen twice is not sent again after an unknown outcome', async () => {
  await using one = await FakeNode.of((_request, response) => void response.destroy())
  await using two = await FakeNode.of(released)
  const client = new ServiceClient({ urls: [one.url, two.url], timeoutMs: 2_000 })
  await rejects(
    client.call(lockRoutes.forceRelease, () => ({ resource_id: 'r' })),
    /it may have been carried out or not:[^]*the connection broke/,
  )
  equal(two.asked.length, 0)
})

test('what must not happen twice is sent again when it was not carried out, and a node has all the time there is to say so', async () => {
  await using leaderless = await FakeNode.of(fault(503, 'no_leader'))
  await using slow = await FakeNode.of((request, response) => void setTimeout(() => released(request, response), 1_500))
  await using other = await FakeNode.of(released)
  const client = new ServiceClient({ urls: [leaderless.url, slow.url, other.url], timeoutMs: 3_000 })
  equal((await client.call(lockRoutes.forceRelease, () => ({ resource_id: 'r' }))).ok, true)
  deepEqual([leaderless.asked.length, slow.asked.length, other.asked.length], [1, 1, 0])
})
