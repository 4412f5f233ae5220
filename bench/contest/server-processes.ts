import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Servers of others, with their data in a folder that goes with them. */
export class ServerProcesses implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'lockstep-peers-'))
  readonly #children: ChildProcess[] = []
  #output = ''

  /** Its process, which is gone when the servers are. */
  start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): number | undefined {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (this.#output += bytes.toString()))
    child.on('error', (error) => (this.#output += error.message))
    this.#children.push(child)
    return child.pid
  }

  get pids(): readonly number[] {
    return this.#children.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))
  }

  /** As the system knows it, not as it was asked for. */
  commandLines(): readonly string[] {
    return this.pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim())
  }

  /** The end of what they have printed, for a message about a failure. */
  get lastWords(): string {
    return this.#output.slice(-2_000)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#children.filter(({ pid, exitCode, signalCode }) => pid !== undefined && exitCode === null && signalCode === null)
    const ended = running.map((child) => once(child, 'exit'))
    for (const child of running) child.kill('SIGKILL')
    await Promise.all(ended)
    rmSync(this.folder, { recursive: true, force: true })
  }
}
