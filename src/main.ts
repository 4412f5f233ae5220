import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError } from '#cli/command-error.ts'
import { runCommandLine } from '#cli/command-line.ts'
import { acquireCommand } from '#cli/commands/acquire.ts'
import { doctorCommand } from '#cli/commands/doctor.ts'
import { locksCommand } from '#cli/commands/locks.ts'
import { nodeCommand } from '#cli/commands/node.ts'
import { releaseCommand } from '#cli/commands/release.ts'
import { runCommand } from '#cli/commands/run.ts'
import { statusCommand } from '#cli/commands/status.ts'
import { upCommand } from '#cli/commands/up.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { Interrupted } from '#cli/interrupts.ts'

/** The commands there are. What they run is loaded when it is asked for: a node is large, and most commands need none. */

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { readonly version: string }

const commands = [
  upCommand(async (folder) => {
    const { claimFolder } = await import('#composition/claim-folder.ts')
    return claimFolder(folder)
  }),
  nodeCommand(async (options, signal) => {
    const { runNode } = await import('#composition/run-node.ts')
    return runNode({ ...options, version }, signal)
  }),
  statusCommand,
  locksCommand,
  acquireCommand,
  releaseCommand,
  runCommand,
  doctorCommand(version),
]

const summary = 'Locks on a replicated log: nodes that serve them, and commands that use them.'
const help = `Exit codes: 0 done, 1 refused, 2 wrong flags, 69 no node answered, 75 held by others or a limit is reached; more with each command.
On this machine: 'lockstep up' in one terminal, 'lockstep status' in another.`

function say(error: unknown): number {
  if (!(error instanceof Error)) throw error
  if (error instanceof Interrupted) return error.exitCode
  const isKnown = error instanceof CommandError
  process.stderr.write(`lockstep: ${isKnown ? error.message : (error.stack ?? error.message)}\n`)
  return isKnown ? error.exitCode : exitCodes.bug
}

try {
  process.exit(await runCommandLine({ version, commands, summary, help }, process.argv.slice(2)))
} catch (error) {
  process.exit(say(error))
}
