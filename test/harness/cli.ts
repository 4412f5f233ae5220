import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { until } from './until.ts'

export interface CliEnding {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
}

export const program = join(import.meta.dirname, '..', '..', 'bin', 'lockstep.js')

/** The command line in a process of its own, with its output piped. */
export class Cli implements AsyncDisposable {
  stdout = ''
  stderr = ''
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>

  constructor(args: readonly string[], { env = {} }: CliOptions = {}) {
    const own = { ...process.env, LOCKSTEP_LOCK_URL: undefined, LOCKSTEP_QUEUE_URL: undefined, LOCKSTEP_CACHE_URL: undefined, ...env }
    this.#child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: own })
    this.#child.stdout?.on('data', (bytes: Buffer) => void (this.stdout += bytes.toString()))
    this.#child.stderr?.on('data', (bytes: Buffer) => void (this.stderr += bytes.toString()))
    this.#closed = once(this.#child, 'close')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Waits until it has printed that. */
  async printed(pattern: RegExp, withinMs = 30_000): Promise<void> {
    await until(`it prints ${String(pattern)}`, () => pattern.test(this.stdout) || pattern.test(this.stderr), withinMs)
  }

  async ended(): Promise<CliEnding> {
    await this.#closed
    return { code: this.#child.exitCode, stdout: this.stdout, stderr: this.stderr }
  }

  /** What it has begun may outlive it, and hold its output open. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}

/** Runs a command to its end. */
export const cli = (args: readonly string[], options: CliOptions = {}): Promise<CliEnding> => new Cli(args, options).ended()
