import { deepEqual, equal, match } from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, get as getPlain } from 'node:http'
import type { RequestListener } from 'node:http'
import { get } from 'node:https'
import type { RequestOptions } from 'node:https'
import { type AddressInfo, type Socket, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Authority, noOpenssl, pemOf } from '#test/harness/certificates.ts'
import type { Certified } from '#test/harness/certificates.ts'
import { loadCertificates } from './certificate-files.ts'
import type { TlsFiles } from './certificates.ts'
import type { ListenerLimits } from './limits.ts'
import { Listener } from './listener.ts'
import { LiveCertificates } from './live-certificates.ts'

const refusals = {
  plain: 'HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\n\r\nsay https',
  uncertified: (reason: string): string => `HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n${reason}`,
}

interface Opening {
  readonly tls?: TlsFiles
  readonly limits?: Partial<ListenerLimits>
  readonly handler?: RequestListener
}

function liveOf(files: TlsFiles): LiveCertificates {
  const loaded = loadCertificates(files)
  if (!loaded.ok) throw new Error(loaded.error)
  return new LiveCertificates(files, loaded.value)
}

/** Resolves with the port of a server that ends with the test. */
async function open(
  context: TestContext,
  { tls, limits = {}, handler = (_, response) => response.end('served') }: Opening,
): Promise<number> {
  const listener = new Listener({ certificates: tls === undefined ? null : liveOf(tls), refusals, limits })
  const server = listener.createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

/** The status and the body, or the code of why there is none. */
function ask(port: number, options: RequestOptions | null): Promise<readonly [status: number | string, body: string]> {
  const where = { host: '127.0.0.1', port, agent: new Agent() }
  return new Promise((resolve) => {
    const asking = options === null ? getPlain(where) : get({ ...where, agent: false, ...options })
    asking.on('error', (error: NodeJS.ErrnoException) => resolve([error.code ?? error.message, '']))
    asking.on('response', (response) => void text(response).then((body) => resolve([response.statusCode ?? 0, body])))
  })
}

async function connected(context: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  context.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

const closed = (socket: Socket): Promise<unknown> => {
  socket.resume()
  socket.on('error', () => {})
  return once(socket, 'close')
}

test('HTTPS is served, and HTTP on the same port is told so', { skip: noOpenssl }, async (context) => {
  using ca = new Authority()
  const port = await open(context, { tls: { ...ca.issueNode(), ca: null, clientAuth: 'none' } })
  deepEqual(await ask(port, { ca: ca.pem }), [200, 'served'])
  deepEqual(await ask(port, null), [426, 'say https'])
  match(String((await ask(port, {}))[0]), /^UNABLE_TO_|^SELF_SIGNED/)
  match(String((await ask(port, { ca: ca.pem, servername: 'elsewhere' }))[0]), /^ERR_TLS_CERT_ALTNAME_INVALID$/)
})

const asked = { none: 'nobody is asked', request: 'who has one shows it', require: 'everybody shows one' } as const

for (const clientAuth of ['none', 'request', 'require'] as const) {
  test(`certificates of clients, where ${asked[clientAuth]}, are those of the CA`, { skip: noOpenssl }, async (context) => {
    using ca = new Authority()
    using foreign = new Authority('another CA')
    const port = await open(context, { tls: { ...ca.issueNode(), ca: ca.cert, clientAuth } })
    const as = (certified: Certified | null) => ask(port, { ca: ca.pem, ...(certified === null ? {} : pemOf(certified)) })
    deepEqual(await as(ca.issue('client')), [200, 'served'])
    const [withForeign] = await as(foreign.issue('stranger'))
    equal(withForeign, clientAuth === 'none' ? 200 : 403)
    const [withNone, why] = await as(null)
    equal(withNone, clientAuth === 'require' ? 403 : 200)
    if (clientAuth === 'require') match(why, /none was shown/)
  })
}

test('with certificates asked for, a node is who shows one', { skip: noOpenssl }, async (context) => {
  using ca = new Authority()
  const certificates = liveOf({ ...ca.issueNode(), ca: ca.cert, clientAuth: 'request' })
  const listener = new Listener({ certificates, refusals })
  const server = listener.createServer((request, response) => response.end(String(listener.admitsNode(request.socket))))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  deepEqual(await ask(port, { ca: ca.pem }), [200, 'false'])
  deepEqual(await ask(port, { ca: ca.pem, ...pemOf(ca.issue('peer')) }), [200, 'true'])
})

test('who says nothing, or does not go on with the handshake, is closed', { skip: noOpenssl }, async (context) => {
  using ca = new Authority()
  const tls = { ...ca.issueNode(), ca: null, clientAuth: 'none' } as const
  const port = await open(context, { tls, limits: { handshakeMs: 1_000 } })
  await closed(await connected(context, port))
  const half = await connected(context, port)
  half.write(Buffer.from('16030100', 'hex'))
  await closed(half)
  deepEqual(await ask(port, { ca: ca.pem }), [200, 'served'])
})

test('a request whose head comes byte by byte, or not at all, is ended (slow loris)', async (context) => {
  const port = await open(context, { limits: { headMs: 100, checkMs: 20 } })
  const silent = await connected(context, port)
  const slow = await connected(context, port)
  slow.write('GET / HTTP/1.1\r\nhost: a\r\n')
  const drip = setInterval(() => slow.write('x: y\r\n'), 20)
  context.after(() => clearInterval(drip))
  slow.on('error', () => {})
  const answered = new Promise<string>((resolve) => void slow.once('data', (bytes: Buffer) => resolve(bytes.toString())))
  await closed(silent)
  match(await answered, /^HTTP\/1\.1 408 /)
})

test('a head that is too long is refused', async (context) => {
  const port = await open(context, { limits: { headBytesMax: 2_048 } })
  const socket = await connected(context, port)
  socket.write(`GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(4_096)}\r\n\r\n`)
  match(await text(socket), /^HTTP\/1\.1 431 /)
})

test('no more connections than there may be are kept', async (context) => {
  const port = await open(context, { limits: { connectionsMax: 2 } })
  const kept = [await connected(context, port), await connected(context, port)]
  await closed(await connected(context, port))
  kept[0]?.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  match(await text(kept[0] as Socket), /served/)
  deepEqual(await ask(port, null), [200, 'served'])
})
