import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { exitCodes } from './exit-codes.ts'

/**
 * Three nodes on this machine, each its own process, with prefixed logs. One that dies is reported and restarted; Ctrl-C stops them all,
 * leadership handed over first.
 */
export function startLocalCluster(): void {
  const addresses = ports.map((port) => `127.0.0.1:${port}`)
  const children = new Map<string, ChildProcess>()
  let stopping = false

  const start = (position: number): void => {
    const id = `lock-node-${position + 1}`
    const args = ['node', '--id', id, '--listen', addresses[position] as string, '--join', addresses.join(',')]
    const child = spawn(process.execPath, [process.argv[1] as string, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    children.set(id, child)
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', (line) => say(id, readable(line)))
    child.on('exit', (code, signal) => {
      children.delete(id)
      if (stopping) {
        if (children.size === 0) process.exit(0)
        return
      }
      if (needsAPerson(code)) {
        say(id, `ended (exit code ${code}) and is not restarted: see what it said above`)
        if (children.size === 0) process.exit(code)
        return
      }
      say(id, `ended (${signal ?? `exit code ${code}`}), restarting in ${restartMs / 1_000} s`)
      setTimeout(() => start(position), restartMs)
    })
  }

  const stop = (): void => {
    stopping = true
    for (const child of children.values()) child.kill('SIGTERM')
    if (children.size === 0) process.exit(0)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  ports.forEach((_, position) => start(position))
  say('lockstep', `three lock nodes: ${addresses.map((address) => `http://${address}`).join('  ')} (GET /docs tells what they answer)`)
}

/** A restart does not mend a mistake in the flags, a damaged store or a port that is taken. */
const needsAPerson = (code: number | null): boolean => code === exitCodes.usage || code === exitCodes.damaged || code === exitCodes.address

const ports = [8001, 8002, 8003] as const
const restartMs = 2_000

function say(who: string, line: string): void {
  process.stdout.write(`${who.padEnd(16)} ${line}\n`)
}

/** A log line as a person reads it: the event and its fields. */
function readable(line: string): string {
  if (!line.startsWith('{')) return line
  try {
    const { level: _level, time: _time, node: _node, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
    return `${String(msg)} ${Object.entries(fields)
      .map(([name, value]) => `${name}=${String(value)}`)
      .join(' ')}`
  } catch {
    // A line that only looks like JSON is shown as it is.
    return line
  }
}
