import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { test } from 'node:test'
import { loadCertificates } from '#io/listener/certificate-files.ts'
import type { TlsFiles } from '#io/listener/certificates.ts'
import { Listener } from '#io/listener/listener.ts'
import { LiveCertificates } from '#io/listener/live-certificates.ts'
import { secureConnect } from '#io/transport/secure-connect.ts'
import { Authority, noOpenssl } from '#test/harness/certificates.ts'
import { until } from '#test/harness/until.ts'
import { numbered } from './transport-samples.ts'
import { TcpNetwork, type TcpNode, type TcpNodeOptions } from './transport-tcp.ts'
import { meet, peerOf } from './transport.ts'

type Options = Omit<TcpNodeOptions, 'name'>

const refusals = {
  plain: 'HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\n\r\n{"error":{"message":"say https"}}',
  uncertified: (reason: string): string => `HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n{"error":{"message":"${reason}"}}`,
}

/** A node whose port and whose connections to others are as `composition` makes them. */
async function secure(files: TlsFiles): Promise<Options> {
  const loaded = loadCertificates(files)
  assert(loaded.ok)
  const certificates = new LiveCertificates(files, loaded.value)
  const listener = new Listener({ certificates, refusals })
  const server = listener.createServer((_, response) => response.end()) as Server
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, connect: secureConnect(() => certificates.context), admits: (socket) => listener.admitsNode(socket) }
}

/** Why the first cannot reach the second. */
async function refusal(first: Options, second: Options): Promise<string> {
  const network = new TcpNetwork()
  try {
    const [one, two] = [await network.node('one', first), await network.node('two', second)]
    one.transport.setPeers([peerOf(two)])
    const problemOf = ({ transport }: TcpNode): string => transport.peers()[0]?.problem ?? ''
    await until('it is refused', () => problemOf(one) !== '')
    assert.deepEqual([one.seen.events, two.seen.events], [[], []])
    return problemOf(one)
  } finally {
    await network.close()
  }
}

test('nodes with certificates of one CA talk over TLS, each of them showing its own', { skip: noOpenssl }, async () => {
  using ca = new Authority()
  const network = new TcpNetwork()
  const mutual = (name: string) => secure({ ...ca.issueNode(name), ca: ca.cert, clientAuth: 'require' })
  try {
    const [one, two] = [await network.node('one', await mutual('one')), await network.node('two', await mutual('two'))]
    await meet(one, two)
    for (let id = 1; id <= 200; id++) one.transport.send('two', 'bulk', numbered(id))
    await two.seen.until('all of them', () => two.seen.ids.length === 200)
    assert.deepEqual(
      two.seen.ids,
      Array.from({ length: 200 }, (_, at) => at + 1),
    )
  } finally {
    await network.close()
  }
})

test('who of two nodes has TLS and who has not tells the other, and neither hangs', { skip: noOpenssl }, async () => {
  using ca = new Authority()
  const tls = () => secure({ ...ca.issueNode(), ca: ca.cert, clientAuth: 'none' })
  assert.equal(await refusal(await tls(), {}), 'lost: it does not speak TLS (EPROTO)')
  assert.equal(await refusal({}, await tls()), 'lost: answered HTTP 426 instead of an upgrade: say https')
})

test(
  'a peer of another CA is refused from either side, and so is one whose certificate is for another host',
  { skip: noOpenssl },
  async () => {
    using ca = new Authority()
    using other = new Authority('another CA')
    const own = () => secure({ ...ca.issueNode(), ca: ca.cert, clientAuth: 'request' })
    const foreign = await secure({ ...other.issueNode(), ca: ca.cert, clientAuth: 'none' })
    assert.match(await refusal(await own(), foreign), /^lost: its certificate is of a CA that is not known here/)
    const stranger = await secure({ ...other.issueNode(), ca: ca.cert, clientAuth: 'none' })
    assert.match(await refusal(stranger, await own()), /^lost: answered HTTP 403 instead of an upgrade: /)
    const elsewhere = await secure({ ...ca.issue('elsewhere', { names: ['DNS:elsewhere'] }), ca: ca.cert, clientAuth: 'none' })
    assert.match(await refusal(await own(), elsewhere), /^lost: its certificate is for other names than the one it was reached by/)
  },
)

test(
  'where certificates of nodes are asked for, one that shows none does not get to the proof of the secret',
  { skip: noOpenssl },
  async () => {
    using ca = new Authority()
    const asking = await secure({ ...ca.issueNode(), ca: ca.cert, clientAuth: 'request' })
    const { clientConnect } = await import('#io/client/client-tls.ts')
    const showsNone = clientConnect({ ca: ca.pem })
    assert(showsNone.ok)
    const problem = await refusal({ connect: showsNone.value }, asking)
    assert.equal(problem, 'lost: answered HTTP 403 instead of an upgrade: other nodes show a certificate of the CA of this cluster')
  },
)

test('over TLS too another secret is refused as such', { skip: noOpenssl }, async () => {
  using ca = new Authority()
  const own = () => secure({ ...ca.issueNode(), ca: ca.cert, clientAuth: 'require' })
  assert.match(
    await refusal({ ...(await own()), secret: 'of another cluster' }, await own()),
    /^wrong-secret: the secrets of (?:one and two|two and one) differ$/,
  )
})
