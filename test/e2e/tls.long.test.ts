import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { askNode } from '#cli/service/node-answer.ts'
import type { NodeAnswer } from '#cli/service/node-answer.ts'
import { connect } from '#index.ts'
import { Authority, noOpenssl, pemOf } from '#test/harness/certificates.ts'
import type { Certified } from '#test/harness/certificates.ts'
import { cli } from '#test/harness/cli.ts'
import { freePorts } from '#test/harness/free-ports.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { ProcessCluster } from '#test/harness/process-cluster.ts'
import { SdkLockLoad } from '#test/harness/sdk-lock-load.ts'
import { until } from '#test/harness/until.ts'

const secret = 'a secret of the nodes of this test'

/** Three lock nodes that let in who shows a certificate of their CA, and what a client needs for that. */
class SecureCluster implements AsyncDisposable {
  readonly ca = new Authority()
  client: Certified
  readonly folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  readonly #files = { cert: join(this.folder, 'node.pem'), key: join(this.folder, 'node.key'), ca: join(this.folder, 'ca.pem') }
  #cluster: ProcessCluster | null = null

  constructor() {
    this.client = this.ca.issue('client')
    this.put(this.ca.issueNode('first'), this.ca.pem)
  }

  /** Exchanges the files of all nodes. */
  put({ cert, key }: Certified, ca: Buffer): void {
    copyFileSync(cert, this.#files.cert)
    copyFileSync(key, this.#files.key)
    writeFileSync(this.#files.ca, ca)
  }

  get flags(): readonly string[] {
    const { cert, key, ca } = this.#files
    return ['--secret', secret, '--tls-cert', cert, '--tls-key', key, '--tls-ca', ca, '--tls-client-auth', 'require']
  }

  async start(): Promise<void> {
    const addresses = (await freePorts(3)).map((port) => `127.0.0.1:${port}`).sort()
    const nodes = addresses.map((address, at) => {
      const options = { id: `lock-node-${at + 1}`, address, voters: addresses, folder: this.folder }
      return { ...options, service: 'lock' as const, args: this.flags }
    })
    this.#cluster = ProcessCluster.of(this.folder, nodes)
    for (const node of this.nodes) node.start()
    for (const node of this.nodes) await this.ready(node)
  }

  get nodes(): readonly NodeProcess[] {
    return this.#cluster?.nodes ?? []
  }
  get urls(): readonly string[] {
    return this.nodes.slice(0, 3).map(({ options }) => `https://${options.address}`)
  }

  get tls(): { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer } {
    return { ca: readFileSync(this.#files.ca), ...pemOf(this.client) }
  }

  ask({ options }: NodeProcess, path: string): Promise<NodeAnswer> {
    const request = { method: 'GET', path, body: null, statuses: [200] }
    return askNode(`https://${options.address}`, request, { limitMs: 2_000, signal: null, trust: this.tls })
  }

  ready(node: NodeProcess): Promise<void> {
    return until(`${node.id} is ready`, async () => (await this.ask(node, '/readyz')).type === 'answered', 60_000)
  }

  /** A node that tries to join with these flags, and what it says of that. */
  async intruder(id: string, args: readonly string[], says: RegExp): Promise<void> {
    const [port] = await freePorts(1)
    const seeds = this.nodes[0]?.options.address ?? ''
    const node = this.#cluster?.add({ id, address: `127.0.0.1:${port}`, voters: [], service: 'lock', args: ['--seeds', seeds, ...args] })
    node?.start()
    await until(`${id} says ${String(says)}`, () => says.test(node?.output ?? ''), 30_000)
  }

  /** Exchanges them, and waits until every node has taken them. */
  async rotate(own: Certified, ca: Buffer): Promise<void> {
    const before = this.nodes.map(reloads)
    this.put(own, ca)
    for (const [at, node] of this.nodes.entries())
      await until(`${node.id} has new certificates`, () => reloads(node) > (before[at] ?? 0), 30_000)
  }

  /** One after the other, so that all connections are made anew. */
  async restart(): Promise<void> {
    for (const node of this.nodes) {
      await node.kill('SIGTERM')
      node.start()
      await this.ready(node)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster?.[Symbol.asyncDispose]()
    this.ca[Symbol.dispose]()
  }
}

const reloads = ({ output }: NodeProcess): number => output.split('certificates-reloaded').length - 1

test(
  'certificates and their CA are exchanged under load, and no call of the library fails',
  { skip: noOpenssl, timeout: 480_000 },
  async () => {
    await using cluster = new SecureCluster()
    using next = new Authority('the next CA')
    await cluster.start()
    const both = Buffer.concat([cluster.ca.pem, next.pem])
    const [old, fresh] = [
      { ...cluster.tls, ca: both },
      { ca: both, ...pemOf(next.issue('client')) },
    ]
    await using before = await connect({ lock: cluster.urls, tls: old })
    await using first = new SdkLockLoad([before])
    const progress = async (load: SdkLockLoad): Promise<void> => {
      const taken = load.taken
      await until('locks are taken', () => load.taken > taken + 20, 30_000)
      deepEqual(load.failures, [])
    }

    await cluster.rotate(cluster.ca.issueNode('same CA'), both)
    await progress(first)
    await using after = await connect({ lock: cluster.urls, tls: fresh })
    await cluster.rotate(next.issueNode('next CA'), both)
    await cluster.restart()
    await progress(first)
    await first.stop()
    deepEqual(first.failures, [])

    await using second = new SdkLockLoad([after])
    await progress(second)
    cluster.client = next.issue('client')
    await cluster.rotate(next.issueNode('next CA'), next.pem)
    await cluster.restart()
    await progress(second)
    await second.stop()
    deepEqual(second.failures, [])
    await rejects(connect({ lock: cluster.urls, tls: old }), { code: 'connection_failed' })
  },
)

test(
  'over mutual TLS the library and the command line are served, and who is not of the cluster is turned away',
  { skip: noOpenssl },
  async () => {
    await using cluster = new SecureCluster()
    using foreign = new Authority('another CA')
    await cluster.start()
    await using sync = await connect({ lock: cluster.urls, tls: cluster.tls })
    equal(await sync.withLock('a', () => Promise.resolve('held')), 'held')

    const { cert, key } = cluster.client
    const url = cluster.urls.join(',')
    const status = ['status', '--url', url, '--ca', cluster.ca.cert]
    const shown = await cli([...status, '--cert', cert, '--cert-key', key])
    deepEqual([shown.code, shown.stderr], [0, ''])
    equal(shown.stdout.match(/https:\/\/127/g)?.length, 3)
    const acquired = await cli(['acquire', 'b', '--url', url], {
      env: { LOCKSTEP_CA: cluster.ca.cert, LOCKSTEP_CERT: cert, LOCKSTEP_CERT_KEY: key },
    })
    deepEqual([acquired.code, acquired.stderr], [0, ''])
    match((await cli(['locks', '--url', url, '--ca', cluster.ca.cert])).stderr, /certificate_refused: .*none was shown/)
    match((await cli(['locks', '--url', url.replaceAll('https', 'http')])).stderr, /https_required: /)
    match((await cli(['locks', '--url', url])).stderr, /its certificate is of a CA that is not known here/)

    await cluster.intruder('plain', ['--secret', secret], /answered HTTP 426 instead of an upgrade: this node speaks HTTPS/)
    const { cert: theirs, key: theirKey } = foreign.issueNode('stranger')
    const own = ['--tls-cert', theirs, '--tls-key', theirKey, '--secret', secret]
    await cluster.intruder(
      'foreign',
      [...own, '--tls-ca', cluster.ca.cert],
      /answered HTTP 403 instead of an upgrade: a certificate of the CA/,
    )
    await cluster.intruder('unbelieving', [...own, '--tls-ca', foreign.cert], /its certificate is of a CA that is not known here/)
    await cluster.intruder(
      'guessing',
      [...cluster.flags, '--secret', 'another secret, of another cluster'].toSpliced(0, 2),
      /"code":"wrong-secret"/,
    )
  },
)
