import { constants } from 'node:os'
import { CommandError } from '#cli/command-error.ts'
import { runCommandLine } from '#cli/command-line.ts'
import { exitCodes, signalExitCode } from '#cli/exit-codes.ts'
import { Interrupted } from '#cli/interrupts.ts'
import { printed } from '#cli/output/terminal.ts'
import { commandsFor, version } from './commands.ts'

const summary = 'Locks, queues and a coherent cache on a replicated log: nodes that serve them, and commands that use them.'
const help = `Exit codes: 0 done, 1 refused, 2 wrong flags, 69 no node answered, 75 held by others or a limit is reached; more with each command.
On this machine: 'lockstep up' in one terminal, 'lockstep status' in another.`

function say(error: unknown): number {
  if (!(error instanceof Error)) throw error
  if (error instanceof Interrupted) return error.exitCode
  const isKnown = error instanceof CommandError
  process.stderr.write(`lockstep: ${isKnown ? error.message : (error.stack ?? error.message)}\n`)
  return isKnown ? error.exitCode : exitCodes.bug
}

// Who reads has had enough, as `head` does.
process.stdout.on('error', () => process.exit(signalExitCode(constants.signals.SIGPIPE)))

const args = process.argv.slice(2)
const code = await runCommandLine({ version, commands: await commandsFor(args), summary, help }, args).catch(say)
await printed()
process.exit(code)
