import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { test } from 'node:test'
import { peerPath } from '#io/transport/upgrade.ts'
import { frameTypes, packFrames } from '#wire/frame.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { ProcessCluster } from '#test/harness/process-cluster.ts'
import { RegisterClient } from '#test/harness/register-client.ts'
import { until } from '#test/harness/until.ts'

/** Sends bytes on a connection of their own, and `later` once something came back; resolves with all of that when the node has closed it. */
function exchange(node: NodeProcess, bytes: string | Uint8Array, later: Uint8Array | null = null): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: node.port, noDelay: true })
    let received = ''
    socket.setTimeout(10_000, () => socket.destroy(new Error(`neither answered nor closed: ${JSON.stringify(received.slice(0, 200))}`)))
    socket.on('error', (error: Error & { readonly code?: string }) => {
      // A node may well reset whoever talks nonsense.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
    socket.on('data', (chunk) => {
      if (received === '' && later !== null) socket.write(later)
      received += chunk.toString('latin1')
    })
    socket.on('close', () => resolve(received))
    socket.write(bytes)
  })
}

/** The status, and the error in the one shape that errors have. */
function errorOf(response: string): { readonly status: number; readonly code: string; readonly message: string } {
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(response)?.[1])
  const body = JSON.parse(response.slice(response.indexOf('\r\n\r\n') + 4)) as { error: Record<string, unknown> }
  assert.deepEqual(Object.keys(body), ['error'])
  assert.deepEqual(Object.keys(body.error), ['code', 'message', 'retryable'])
  const { code, message, retryable } = body.error
  assert.ok(typeof code === 'string' && typeof message === 'string' && typeof retryable === 'boolean')
  return { status, code, message }
}

const post = (body: string, type = 'application/json'): string =>
  `POST /registers/key HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`
const upgrade = (headers = ''): string =>
  get(peerPath, headers).replace('Connection: close', 'Connection: Upgrade, close\r\nUpgrade: lockstep')

const badRequests: readonly {
  readonly what: string
  readonly bytes: string | Uint8Array
  readonly status: number
  readonly says: RegExp
}[] = [
  { what: 'random bytes', bytes: randomBytes(4_096), status: 400, says: /no HTTP request/ },
  { what: 'a TLS hello', bytes: Buffer.from('160301007a0100007603', 'hex'), status: 400, says: /no HTTP request/ },
  { what: 'headers without end', bytes: `GET / HTTP/1.1\r\nx: ${'a'.repeat(40_000)}`, status: 431, says: /headers are too large/ },
  { what: 'a path that is no path', bytes: get('/registers/%zz'), status: 400, says: /valid url/ },
  { what: 'a key that is too long', bytes: get(`/registers/${'k'.repeat(2_000)}`), status: 414, says: /./ },
  { what: 'an unknown path', bytes: get('/nowhere'), status: 404, says: /there is no GET \/nowhere/ },
  { what: 'a method nobody serves', bytes: get('/registers/key').replace('GET', 'DELETE'), status: 404, says: /there is no DELETE/ },
  { what: 'a body that is no JSON', bytes: post('{"type":'), status: 400, says: /JSON/ },
  { what: 'a body of another type', bytes: post('type=add', 'application/x-www-form-urlencoded'), status: 415, says: /Media Type/ },
  { what: 'no body', bytes: post(''), status: 400, says: /./ },
  { what: 'an unknown command', bytes: post('{"type":"frobnicate"}'), status: 400, says: /type/ },
  { what: 'a command that lacks a member', bytes: post('{"type":"add"}'), status: 400, says: /'by'/ },
  { what: 'a command with a member too many', bytes: post('{"type":"add","by":1,"extra":1}'), status: 400, says: /additional/ },
  { what: 'text for a number', bytes: post('{"type":"add","by":"1"}'), status: 400, says: /by must be integer/ },
  { what: 'null for a number', bytes: post('{"type":"write","value":null}'), status: 400, says: /value must be integer/ },
  { what: 'a number too large', bytes: post('{"type":"add","by":1e300}'), status: 400, says: /by must be/ },
  { what: 'a prototype', bytes: post('{"type":"add","by":1,"__proto__":{"by":2}}'), status: 400, says: /./ },
  { what: 'a body that is too large', bytes: post(`"${'a'.repeat(100_000)}"`), status: 413, says: /too large/ },
  {
    what: 'two lengths of one body',
    bytes: post('{}').replace('Host: x', 'Host: x\r\nTransfer-Encoding: chunked'),
    status: 400,
    says: /./,
  },
  { what: 'an upgrade with a body', bytes: `${upgrade('Content-Length: 5\r\n')}hello`, status: 404, says: /there is no GET/ },
  {
    what: 'an upgrade to something else',
    bytes: get(peerPath, '').replace('Connection: close', 'Connection: Upgrade, close\r\nUpgrade: h2c'),
    status: 404,
    says: /there is no GET/,
  },
]

const badFrames: readonly { readonly what: string; readonly bytes: Uint8Array }[] = [
  { what: 'an HTTP request behind the upgrade', bytes: Buffer.from(get('/cluster')) },
  { what: 'random frames', bytes: randomBytes(4_096) },
  { what: 'a frame of 4 GiB', bytes: Buffer.from('ffffffff0000000001010000', 'hex') },
  { what: 'a frame with a wrong checksum', bytes: Buffer.from('00000001000000000101000041', 'hex') },
  { what: 'a hello of random bytes', bytes: packFrames([{ type: frameTypes.hello, stream: 0, body: randomBytes(200) }]) },
  { what: 'a message before any hello', bytes: packFrames([{ type: frameTypes.message, stream: 1, body: randomBytes(200) }]) },
]

const descriptorsOf = (node: NodeProcess): number => readdirSync(`/proc/${node.pid}/fd`).length

test('bad input is answered with a clear error, costs no descriptor, and the node goes on', async (t) => {
  await using cluster = await ProcessCluster.start(['--log-level', 'warn'])
  const node = await cluster.settledLeader(1)
  const life = node.pid
  // So that connections of the test itself do not count.
  const isAlive = async (): Promise<void> => {
    using client = new RegisterClient()
    assert.equal((await client.add(node, 'other')).type, 'answered')
  }
  await isAlive()
  const before = descriptorsOf(node)

  for (const { what, bytes, status, says } of badRequests) {
    await t.test(`${what}: ${status}`, async () => {
      const error = errorOf(await exchange(node, bytes))
      assert.equal(error.status, status)
      assert.match(error.message, says)
    })
  }
  for (const { what, bytes } of badFrames) {
    await t.test(`${what}: the connection ends and carries no answer to it`, async () => {
      const together = await exchange(node, Buffer.concat([Buffer.from(upgrade()), bytes]))
      for (const response of [together, await exchange(node, upgrade(), bytes)]) {
        assert.match(response, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
        assert.equal(response.match(/HTTP\/1\.1/g)?.length, 1, 'what was smuggled in was not carried out')
        assert.ok(!response.includes('clusterId'))
      }
    })
  }
  await t.test('two hundred connections of garbage at once end, all of them', async () => {
    const responses = await Promise.all(Array.from({ length: 200 }, () => exchange(node, randomBytes(2_000))))
    for (const response of responses) if (response !== '') assert.equal(errorOf(response).status, 400)
  })

  await isAlive()
  await until('the descriptors are back where they were', () => descriptorsOf(node) <= before)
  t.diagnostic(`descriptors: ${before} before, ${descriptorsOf(node)} after`)
  assert.equal(node.pid, life, 'it is still the same process')
  using client = new RegisterClient()
  assert.deepEqual(await client.read(node, 'key'), { type: 'answered', value: null, done: true }, 'nothing of it was carried out')
})
