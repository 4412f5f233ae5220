import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Servers of others, with their data in a folder that goes with them. */
export class ServerProcesses implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'lockstep-peers-'))
  readonly #children: ChildProcess[] = []
  #output = ''

  start(command: string, args: readonly string[]): void {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (this.#output += bytes.toString()))
    child.on('error', (error) => (this.#output += error.message))
    this.#children.push(child)
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

export function isInstalled(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      // Not in this folder.
      return false
    }
  })
}
