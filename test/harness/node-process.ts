import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { engineFlags } from '#cli/up/engine-flags.ts'

export interface NodeProcessOptions {
  readonly id: string
  /** Where it listens. */
  readonly address: string
  /** Where other nodes find it, when that is a proxy. */
  readonly advertise?: string
  readonly voters: readonly string[]
  /** The register, unless another is given. */
  readonly service?: 'lock' | 'queue' | 'cache' | 'register'
  readonly folder: string
  /** Where it keeps its data, when that is not a folder of its own within `folder`. */
  readonly data?: string
  readonly args?: readonly string[]
  /** Runs the node under another command, such as strace. */
  readonly under?: readonly string[]
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Nodes on a machine, at least. */
const clusterSize = 3

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts')

/** One real node: `src/main.ts node` in a process of its own. */
export class NodeProcess {
  readonly options: NodeProcessOptions
  #child: ChildProcess | null = null
  #ending: Ending | null = null
  #output = ''

  constructor(options: NodeProcessOptions) {
    this.options = options
  }

  get id(): string {
    return this.options.id
  }
  get url(): string {
    return `http://${this.options.address}`
  }
  get port(): number {
    return Number(this.options.address.split(':')[1])
  }
  get data(): string {
    return this.options.data ?? join(this.options.folder, this.options.id)
  }
  get pid(): number | null {
    return this.#child?.pid ?? null
  }
  /** Everything it has printed in all its lives. */
  get output(): string {
    return this.#output
  }
  get running(): boolean {
    return this.#child !== null
  }
  /** How its last life ended; null while it runs. */
  get ending(): Ending | null {
    return this.#ending
  }

  /** `more` is for this life only. */
  start(more: readonly string[] = []): void {
    const { id, address, advertise, voters, service = 'register', args = [], under = [] } = this.options
    const where = ['--id', id, '--listen', address, '--data', this.data]
    const command = [
      ...under,
      process.execPath,
      ...engineFlags(clusterSize),
      main,
      'node',
      '--service',
      service,
      ...where,
      ...args,
      ...more,
    ]
    if (advertise !== undefined) command.push('--advertise', advertise)
    if (voters.length > 0) command.push('--join', voters.join(','))
    const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.#ending = null
    const log = process.env['LOCKSTEP_TEST_LOGS']
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        this.#output += bytes.toString()
        if (log !== undefined) appendFileSync(log, bytes)
      })
    }
    // `close` comes after the last of the output.
    child.once('close', (code, signal) => {
      if (this.#child !== child) return
      this.#child = null
      this.#ending = { code, signal }
    })
  }

  /** Resolves when the process is gone and has said its last words. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === null) return
    const closed = once(child, 'close')
    child.kill(signal)
    await closed
  }

  /** For SIGSTOP and SIGCONT, and for a kill that must be followed at once. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Waits for the end, whoever brings it about. */
  async ended(): Promise<Ending> {
    if (this.#child !== null) await once(this.#child, 'close')
    if (this.#ending === null) throw new Error(`${this.id} was never started`)
    return this.#ending
  }
}
