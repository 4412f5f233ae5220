/// <reference lib="esnext.disposable" preserve="true" />
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runDev } from '#composition/run-dev.ts'
import type { DevNode, DevService } from '#composition/run-dev.ts'

export interface StartDevOptions {
  /** All three unless given. */
  readonly services?: readonly DevService[]
  /** Of each service: 1 unless given; 3 to try what a cluster does. */
  readonly nodes?: 1 | 3
  /** The first of as many ports as there are nodes; free ones unless given. */
  readonly port?: number
  /** `memory` unless given; `folder` is a temporary one, with the store that nodes have in production. */
  readonly store?: 'memory' | 'folder'
}

/** Nodes that run in this process. */
export interface Dev extends AsyncDisposable {
  /** What `connect()` takes: where the nodes of each service are that was asked for. */
  readonly urls: { readonly [Service in DevService]?: readonly string[] }
  readonly nodes: readonly DevNode[]
  /** Resolves when they have ended and their ports are free. */
  stop(): Promise<void>
}

/**
 * Runs nodes in this process, on 127.0.0.1, for the tests of an application: they begin with nothing, and all that they have been told goes with
 * them. Resolves when they are ready, in about a second; rejects when a port is taken.
 *
 *     await using dev = await startDev()
 *     await using sync = await connect(dev.urls)
 */
export async function startDev({ services = all, nodes = 1, port = 0, store = 'memory' }: StartDevOptions = {}): Promise<Dev> {
  const folder = store === 'memory' ? null : mkdtempSync(join(tmpdir(), 'lockstep-dev-'))
  const ports = port === 0 ? 'free' : { from: port }
  const running = await runDev({ services, nodes, ports, folder, logLevel: 'silent', version })
  const stop = async (): Promise<void> => {
    if (running.type === 'running') await running.stop()
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
  if (running.type === 'failed') {
    await stop()
    throw new Error(running.detail)
  }
  const urlsOf = (service: DevService): readonly string[] => running.nodes.filter((node) => node.service === service).map(({ url }) => url)
  const urls = Object.fromEntries(services.map((service) => [service, urlsOf(service)]))
  return { urls, nodes: running.nodes, stop, [Symbol.asyncDispose]: stop }
}

const all: readonly DevService[] = ['lock', 'queue', 'cache']

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { readonly version: string }
