import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { isFree } from '#cli/ports/port-holder.ts'
import { LocalNodes } from '#cli/up/local-nodes.ts'
import type { LocalNode } from '#cli/up/local-nodes.ts'
import { nineNodes } from '#cli/up/nine-nodes.ts'
import { nodeFlags } from '#cli/up/node-flags.ts'
import { allAnswer, allReady } from '#cli/up/readiness.ts'
import type { DemoNode, Processes, Three } from './setting.ts'

/** Nine nodes that nobody else knows, with their data in a folder that goes with them. */
export interface OwnNodes extends AsyncDisposable {
  readonly lock: Three
  readonly queue: Three
  readonly cache: Three
  readonly processes: Processes
}

interface Starting {
  /** Of all ports; null: where they are free. */
  readonly offset: number | null
  readonly signal: AbortSignal
  readonly progress: (line: string) => void
}

/** Rejects when a port is taken, when a node cannot be started, and with the reason of the signal. */
export async function startOwnNodes({ offset, signal, progress }: Starting): Promise<OwnNodes> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-demo-'))
  const nodes = nineNodes(folder, offset ?? (await freeOffset()))
  const said: string[] = []
  const ended: string[] = []
  const urlOf = ({ address }: LocalNode): string => `http://${address}`
  const local = new LocalNodes({
    nodes,
    flagsOf: (node) => [...nodeFlags(node, nodes, null), '--log-level', 'error'],
    env: process.env,
    restart: true,
    answered: (first) => allAnswer(first.map(urlOf), { withinMs: loadingMs }),
    wrote: (node, line) => void said.push(`${node.id}: ${line}`),
    tell: (node, what) => void ended.push(`${node.id} ${what}`),
  })
  const dispose = async (): Promise<void> => {
    local.stop()
    await local.ended
    rmSync(folder, { recursive: true, force: true })
  }
  const failed = new AbortController()
  const watch = setInterval(() => {
    if (ended.length > 0) failed.abort()
  }, watchMs)
  try {
    const urls = nodes.map(urlOf)
    const stillWaiting = (missing: readonly unknown[]): void =>
      progress(`${urls.length - missing.length} of ${urls.length} nodes are ready`)
    const ready = await allReady(() => urls, { signal: AbortSignal.any([signal, failed.signal]), stillWaiting })
    signal.throwIfAborted()
    if (!ready) throw new CommandError(exitCodes.refused, ['the nodes of the demo do not start:', ...ended, ...said].join('\n'))
  } catch (error) {
    await dispose()
    throw error
  } finally {
    clearInterval(watch)
  }
  const of = (service: LocalNode['service']): Three => threeOf(nodes, service)
  const processes = { pidOf: ({ id }: DemoNode) => local.pidOf(id) }
  return { lock: of('lock'), queue: of('queue'), cache: of('cache'), processes, [Symbol.asyncDispose]: dispose }
}

/** For the first nodes to load their program. */
const loadingMs = 5_000
const watchMs = 100

function threeOf(nodes: readonly LocalNode[], service: LocalNode['service']): Three {
  const found = nodes.filter((node) => node.service === service).map(({ id, address }) => ({ id, url: `http://${address}` }))
  return found as unknown as Three
}

/** The usual ports, or others when one of them is taken. */
async function freeOffset(): Promise<number> {
  for (const offset of [0, ...Array.from({ length: tries }, () => 1_000 + Math.floor(Math.random() * offsetMax))]) {
    const free = await Promise.all(nineNodes('', offset).map(({ address }) => isFree(Number(address.split(':')[1]))))
    if (free.every(Boolean)) return offset
  }
  throw new CommandError(exitCodes.address, `no nine free ports were found in ${tries} tries; choose some with --port-offset`)
}

const tries = 100
const offsetMax = 20_000
