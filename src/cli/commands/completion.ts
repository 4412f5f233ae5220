import { usageError } from '#cli/command-error.ts'
import { defineCommand, onlyOperand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { completionScript, shells } from '#cli/completion.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { screen } from '#cli/output/terminal.ts'

const help = `Prints what the shell reads to complete commands, their first words and flags.

Examples:
  lockstep completion bash >> ~/.bashrc
  lockstep completion zsh >> ~/.zshrc
  lockstep completion fish > ~/.config/fish/completions/lockstep.fish

Exit codes: 0 done, 2 a shell that is not known`

/** `others` are all commands but this one. */
export function completionCommand(others: readonly Command[]): Command {
  const own: Command = defineCommand({
    name: 'completion',
    summary: 'print what a shell reads to complete commands',
    operands: 'bash|zsh|fish',
    words: shells,
    help,
    flags: {},
    read(_, operands, mistakes) {
      const given = onlyOperand('the SHELL', operands, mistakes)
      const shell = shells.find((each) => each === given)
      if (shell === undefined && given !== '')
        mistakes.push(`the SHELL must be one of ${shells.join(', ')}; it is ${JSON.stringify(given)}`)
      return shell
    },
    async run(shell) {
      if (shell === undefined) throw usageError('completion', ['the SHELL must be given'])
      screen.print(completionScript(shell, [...others, own]))
      return exitCodes.done
    },
  })
  return own
}
