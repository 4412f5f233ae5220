import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'

export interface NodeProcessOptions {
  readonly id: string
  readonly address: string
  readonly voters: readonly string[]
  readonly folder: string
  readonly args?: readonly string[]
  /** Runs the node under another command, such as strace. */
  readonly under?: readonly string[]
}

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts')

/** One real node: `src/main.ts node` in a process of its own. */
export class NodeProcess {
  readonly options: NodeProcessOptions
  #child: ChildProcess | null = null
  #output = ''

  constructor(options: NodeProcessOptions) {
    this.options = options
  }

  get url(): string {
    return `http://${this.options.address}`
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

  start(): void {
    const { id, address, voters, folder, args = [], under = [] } = this.options
    const command = [...under, process.execPath, main, 'node', '--id', id, '--listen', address, '--data', join(folder, id), ...args]
    if (voters.length > 0) command.push('--join', voters.join(','))
    const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        this.#output += bytes.toString()
        if (process.env['LOCKSTEP_TEST_LOGS']) appendFileSync(process.env['LOCKSTEP_TEST_LOGS'], bytes)
      })
    }
    child.once('exit', () => {
      if (this.#child === child) this.#child = null
    })
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  /** For SIGSTOP and SIGCONT, which nobody waits for. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async exited(): Promise<number | null> {
    if (this.#child === null) return null
    const [code] = (await once(this.#child, 'exit')) as [number | null]
    return code
  }
}
