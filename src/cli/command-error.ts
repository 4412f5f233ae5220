import { exitCodes } from './exit-codes.ts'

/** Ends the command with a message for people and a code for scripts. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Every mistake on the command line at once; without a command, of the whole line. */
export const usageError = (command: string | null, mistakes: readonly string[]): CommandError =>
  new CommandError(exitCodes.usage, `${mistakes.join('\n')}\nsee: lockstep ${command === null ? '' : `${command} `}--help`)
