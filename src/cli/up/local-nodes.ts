import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { present } from '#base/assert.ts'
import { deferred } from '#base/deferred.ts'
import { engineFlags } from './engine-flags.ts'
import { Restarts, isGone, needsAPerson } from './restarts.ts'

export interface LocalNode {
  readonly service: 'lock' | 'queue' | 'cache'
  readonly id: string
  /** `host:port`. */
  readonly address: string
  readonly data: string
}

interface LocalNodesOptions {
  readonly nodes: readonly LocalNode[]
  readonly flagsOf: (node: LocalNode) => readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly restart: boolean
  /** Resolves once these answer, or have not for long. */
  readonly answered: (nodes: readonly LocalNode[]) => Promise<void>
  /** A line that a node wrote. */
  readonly wrote: (node: LocalNode, line: string) => void
  /** What became of a node, in words. */
  readonly tell: (node: LocalNode, what: string) => void
}

/** For a node to end by itself once it was told to. */
const stopMs = 10_000

/**
 * Nodes on this machine, each a process of its own. One that dies is started again, unless a restart cannot mend it. The first of each
 * service is started before the others, which then find compiled what it has compiled.
 */
export class LocalNodes {
  readonly #options: LocalNodesOptions
  readonly #children = new Map<LocalNode, ChildProcess>()
  readonly #waiting = new Map<LocalNode, NodeJS.Timeout>()
  readonly #gone = new Set<LocalNode>()
  readonly #ended = deferred<number>()
  #later: readonly LocalNode[]
  #stopping = false

  constructor(options: LocalNodesOptions) {
    this.#options = options
    const { nodes, answered } = options
    const first = nodes.filter(({ service }, at) => nodes.findIndex((node) => node.service === service) === at)
    this.#later = nodes.filter((node) => !first.includes(node))
    for (const node of first) this.#start(node, new Restarts())
    void answered(first).then(() => {
      for (const node of this.#later) this.#start(node, new Restarts())
      this.#later = []
    })
  }

  /** Resolves when none is left that runs or will: with 0 after `stop`, else with the exit code of the last one. */
  get ended(): Promise<number> {
    return this.#ended.promise
  }

  /** Without those that have left their cluster for good. */
  get expected(): readonly LocalNode[] {
    return this.#options.nodes.filter((node) => !this.#gone.has(node))
  }

  /** The process of that node now; null while it has none. */
  pidOf(id: string): number | null {
    const node = this.#options.nodes.find((each) => each.id === id)
    return (node === undefined ? undefined : this.#children.get(node)?.pid) ?? null
  }

  /** Ends the process of the node of that name at once; false when it does not run. It is started again as after any death. */
  kill(id: string): boolean {
    const [, child] = [...this.#children].find(([node]) => node.id === id) ?? []
    return child?.kill('SIGKILL') ?? false
  }

  /** Tells all to end, and ends what does not; called again, it ends them at once. */
  stop(): void {
    const signal = this.#stopping ? 'SIGKILL' : 'SIGTERM'
    this.#stopping = true
    for (const timer of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
    this.#later = []
    for (const child of this.#children.values()) child.kill(signal)
    if (this.#children.size === 0) this.#ended.resolve(0)
    else setTimeout(() => this.#children.forEach((child) => child.kill('SIGKILL')), stopMs).unref()
  }

  #start(node: LocalNode, restarts: Restarts): void {
    const { nodes, flagsOf, env, wrote } = this.#options
    const startedAt = performance.now()
    const args = [...engineFlags(nodes.length), process.argv[1] ?? '', 'node', ...flagsOf(node)]
    // By the channel it hears when this process has ended, however that was, and ends too.
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    this.#children.set(node, child)
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: present(stream, 'its output is piped') }).on('line', (line) => wrote(node, line))
    // `close` comes after the last of what it wrote.
    child.once('close', (code, signal) => {
      this.#children.delete(node)
      this.#after(node, restarts, { code, signal, ranMs: performance.now() - startedAt })
    })
  }

  #after(node: LocalNode, restarts: Restarts, { code, signal, ranMs }: Ending): void {
    const { restart, tell } = this.#options
    if (isGone(code)) this.#gone.add(node)
    const how = signal === null ? `exit code ${code ?? 0}` : signal
    if (!this.#stopping && restart && !needsAPerson(code)) {
      const delayMs = restarts.delayMs(ranMs)
      tell(node, `ended (${how}), and is started again in ${delayMs / 1_000} s`)
      const again = (): void => {
        this.#waiting.delete(node)
        this.#start(node, restarts)
      }
      this.#waiting.set(node, setTimeout(again, delayMs))
      return
    }
    if (!this.#stopping) tell(node, `ended (${how}), and is not started again${restart ? ': see what it said above' : ''}`)
    if (this.#children.size + this.#waiting.size + this.#later.length === 0) this.#ended.resolve(this.#stopping ? 0 : (code ?? 1))
  }
}

interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly ranMs: number
}
