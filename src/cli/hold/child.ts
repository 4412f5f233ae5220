import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { descendantsOf, sendSignal } from './processes.ts'

export type ChildEnding =
  | { readonly type: 'exited'; readonly code: number }
  | { readonly type: 'signalled'; readonly signal: NodeJS.Signals }
  | { readonly type: 'not-started'; readonly code: string }

interface ChildOptions {
  readonly env: NodeJS.ProcessEnv
  /** Ends the command and all it has begun: first kindly, after the grace for good. */
  readonly kill: AbortSignal
  readonly graceMs: number
  /** Its standard input; that of this process unless given. */
  readonly input?: string
}

/** Runs a command on the terminal of this process, and passes on the signals that this process gets. */
export async function runChild(
  [command = '', ...args]: readonly string[],
  { env, kill, graceMs, input }: ChildOptions,
): Promise<ChildEnding> {
  const child = spawn(command, args, { stdio: [input === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'], env })
  if (input !== undefined) feed(child, input)
  const listeners = passedOn.map((signal) => [signal, () => void (comesByItself(signal) || child.kill(signal))] as const)
  for (const [signal, forward] of listeners) process.on(signal, forward)
  let ending = Promise.resolve()
  const onKill = (): void => {
    ending = endAll(child, graceMs)
  }
  kill.addEventListener('abort', onKill)
  if (kill.aborted) onKill()
  const outcome = await endOf(child)
  kill.removeEventListener('abort', onKill)
  for (const [signal, forward] of listeners) process.off(signal, forward)
  await ending
  return outcome
}

const passedOn = ['SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGINT', 'SIGQUIT'] as const

/** Ctrl-C reaches everything on the terminal, and must not come twice. */
const comesByItself = (signal: (typeof passedOn)[number]): boolean => process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')

function endOf(child: ChildProcess): Promise<ChildEnding> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve({ type: 'not-started', code: error.code ?? error.message })
    })
    child.once('exit', (code, signal) => {
      resolve(signal === null ? { type: 'exited', code: code ?? 0 } : { type: 'signalled', signal })
    })
  })
}

/** A command need not read what it is given. */
function feed({ stdin }: ChildProcess, input: string): void {
  stdin?.on('error', () => {})
  stdin?.end(input)
}

const lookMs = 50

/** What a shell script has begun works under the lock as well, so it is ended too. */
async function endAll({ pid }: ChildProcess, graceMs: number): Promise<void> {
  if (pid === undefined) return
  const all = [pid, ...descendantsOf(pid)]
  for (const each of all) sendSignal(each, 'SIGTERM')
  const deadline = performance.now() + graceMs
  while (all.some((each) => sendSignal(each, 0))) {
    if (performance.now() >= deadline) {
      for (const each of all) sendSignal(each, 'SIGKILL')
      return
    }
    await new Promise((resolve) => {
      setTimeout(resolve, lookMs)
    })
  }
}
