import { Command as Parser, CommanderError, Option } from 'commander'
import { screen } from '#cli/output/terminal.ts'
import { wrap } from '#cli/output/wrap.ts'
import { usageError } from './command-error.ts'
import type { Command } from './command.ts'
import { exitCodes } from './exit-codes.ts'

interface About {
  readonly version: string
  readonly commands: readonly Command[]
  readonly summary: string
  /** What the help says below the commands. */
  readonly help: string
}

/**
 * Runs the command that the arguments name, and resolves with the exit code. The library finds commands and flags and writes the help; it
 * would stop at the first mistake, so it is told to let everything pass, and what is wrong is collected here.
 */
export async function runCommandLine({ version, commands, summary, help }: About, args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.done
  const program = new Parser('lockstep')
    .description(summary)
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help, or that of a command')
    .helpCommand('help [command]', 'print this help, or that of a command')
    .usage('COMMAND [options]')
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage().replace('[options]', '').trim()}` })
    .addHelpText('after', () => `\n${wrap(help, Math.min(screen.width, 80))}`)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  for (const command of commands) {
    const parser = new Parser(command.name).copyInheritedSettings(program)
    describe(parser, command, async (run) => {
      exitCode = await run()
    })
    program.addCommand(parser)
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Help and version come this way too.
    if (error.exitCode === 0) return exitCodes.done
    if (error.code === 'commander.help') return exitCodes.usage
    throw usageError(null, [error.message.replace(/^error: /, '').replace('\n', ' ')])
  }
}

function describe(parser: Parser, command: Command, start: (run: () => Promise<number>) => Promise<void>): void {
  const { name, summary, operands, flags, help } = command
  const found = new Map<string, (string | null)[]>()
  parser
    .description(summary)
    .usage(`[options]${operands === '' ? '' : ` ${operands}`}`)
    .addHelpText('after', () => `\n${wrap(help, Math.min(screen.width, 80))}`)
    .configureHelp({ optionTerm: ({ flags: term }) => term.replace(/\[(.*)\]/, '$1') })
    .allowUnknownOption()
    .allowExcessArguments()
    .passThroughOptions(command.passesOn)
  for (const [flag, { placeholder, description }] of Object.entries(flags)) {
    // Optional for the library, as it would stop where a value is missing.
    const texts: (string | null)[] = []
    found.set(flag, texts)
    parser.addOption(new Option(placeholder === null ? `--${flag}` : `--${flag} [${placeholder}]`, description))
    parser.on(`option:${flag}`, (value: string | null | undefined) => void texts.push(value ?? null))
  }
  parser.action(() => {
    const mistakes: string[] = []
    const given = withoutUnknown(parser.args, command, mistakes)
    const run = command.prepare(found, given, mistakes)
    if (mistakes.length > 0) throw usageError(name, mistakes)
    return start(run)
  })
}

/** The operands, numbers below zero among them. What is left and looks like a flag is none of this command. */
function withoutUnknown(args: readonly string[], { name, passesOn }: Command, mistakes: string[]): readonly string[] {
  const isUnknown = (arg: string): boolean => /^-./.test(arg) && !/^-\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(arg)
  const unknown = args.filter((arg, at) => isUnknown(arg) && (!passesOn || at === 0))
  for (const arg of unknown) mistakes.push(`${arg} is not a flag of lockstep ${name}`)
  return passesOn ? args : args.filter((arg) => !isUnknown(arg))
}
