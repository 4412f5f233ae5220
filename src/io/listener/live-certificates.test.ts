import { deepEqual, equal, match } from 'node:assert/strict'
import { copyFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { silentTelemetry } from '#ports/telemetry.ts'
import { fastClock } from '#test/conformance/transport-clock.ts'
import { Authority, noOpenssl } from '#test/harness/certificates.ts'
import type { Certified } from '#test/harness/certificates.ts'
import { until } from '#test/harness/until.ts'
import { loadCertificates } from './certificate-files.ts'
import { LiveCertificates } from './live-certificates.ts'

/** The certificates of a node that runs, in files that can be exchanged, and what it tells of them. */
class Exchange implements Disposable {
  readonly ca = new Authority()
  readonly told: string[] = []
  readonly gauged: number[] = []
  readonly live: LiveCertificates
  readonly #files: { readonly cert: string; readonly key: string; readonly ca: null; readonly clientAuth: 'none' }

  constructor() {
    const [cert, key] = ['node.pem', 'node.key'].map((name) => join(this.ca.folder, name)) as [string, string]
    this.#files = { cert, key, ca: null, clientAuth: 'none' }
    this.put(this.ca.issueNode('first'))
    const loaded = loadCertificates(this.#files)
    if (!loaded.ok) throw new Error(loaded.error)
    this.live = new LiveCertificates(this.#files, loaded.value)
  }

  put({ cert, key }: Partial<Certified>): void {
    if (cert !== undefined) copyFileSync(cert, this.#files.cert)
    if (key !== undefined) copyFileSync(key, this.#files.key)
  }

  watch(): void {
    const telemetry = {
      ...silentTelemetry,
      log: (_level: string, event: string, { problem = '' }: Readonly<Record<string, unknown>>) =>
        void this.told.push(`${event} ${String(problem)}`.trim()),
      gauge: (_name: string, _labels: object, value: number) => void this.gauged.push(value),
    }
    this.live.watch({ clock: fastClock(50), telemetry })
  }

  break(): void {
    writeFileSync(this.#files.cert, 'half of a certif')
  }

  [Symbol.dispose](): void {
    this.live.stop()
    this.ca[Symbol.dispose]()
  }
}

async function shownBy(port: number, ca: Buffer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca })
  await once(socket, 'secureConnect')
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}

test('new certificates are taken while the server runs, and connections that are there stay', { skip: noOpenssl }, async (context) => {
  using exchange = new Exchange()
  const { cert, key } = exchange.live.pem
  const server = createServer({ cert, key }, (_, response) => response.end())
  exchange.live.keep(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const kept = connect({ host: '127.0.0.1', port, ca: exchange.ca.pem })
  await once(kept, 'secureConnect')
  equal(await shownBy(port, exchange.ca.pem), 'first')
  const before = exchange.live.context
  exchange.watch()
  exchange.put(exchange.ca.issueNode('second'))
  await until('the server shows the second', async () => (await shownBy(port, exchange.ca.pem)) === 'second')
  deepEqual([exchange.told, exchange.live.context === before], [['certificates-reloaded'], false])
  equal(exchange.gauged.length, 2)
  kept.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  match(String((await once(kept, 'data'))[0]), /^HTTP\/1\.1 200/)
  kept.destroy()
})

test('what cannot be used is refused once, the old ones stay, and what is right later is taken', { skip: noOpenssl }, async () => {
  using exchange = new Exchange()
  const { context } = exchange.live
  exchange.watch()
  exchange.break()
  await until('it is refused', () => exchange.told.length > 0)
  match(exchange.told.join(), /^certificates-refused --tls-cert has no certificate/)
  match(exchange.live.warnings(Date.now()).join(), /^new certificates are not used: --tls-cert has/)
  const next = exchange.ca.issueNode('next')
  exchange.put({ cert: next.cert })
  await until('the other key is missed', () => exchange.told.length > 1)
  match(exchange.told[1] ?? '', /^certificates-refused --tls-key is not the key/)
  equal(exchange.live.context, context)
  exchange.put({ key: next.key })
  await until('it is taken', () => exchange.told.length > 2)
  deepEqual([exchange.told[2], exchange.live.warnings(Date.now())], ['certificates-reloaded', []])
})
