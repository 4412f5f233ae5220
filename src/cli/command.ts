import type { Flags, ValuesOf } from '#cli/flags/flag.ts'

/** One verb of the command line. `Options` is what it makes of what was given. */
interface CommandOptions<F extends Flags, Options> {
  readonly name: string
  /** A line. */
  readonly summary: string
  /** What follows the flags, as in `NAME`; empty for nothing. */
  readonly operands: string
  /** The first operand begins somebody else's command line: what follows belongs to that. */
  readonly passesOn?: boolean
  /** What the help says below the flags: how it behaves, and examples. */
  readonly help: string
  readonly flags: F
  /** Adds to `mistakes` what the flags one at a time cannot say. */
  readonly read: (values: ValuesOf<F>, operands: readonly string[], mistakes: string[]) => Options
  /** Resolves with the exit code. */
  readonly run: (options: Options) => Promise<number>
}

/** The same, with its types forgotten. */
export interface Command extends Omit<CommandOptions<Flags, unknown>, 'read' | 'run' | 'passesOn'> {
  readonly passesOn: boolean
  /** What runs it, if no mistakes were found. */
  prepare(values: Readonly<Record<string, unknown>>, operands: readonly string[], mistakes: string[]): () => Promise<number>
}

export function defineCommand<F extends Flags, Options>({ read, run, passesOn = false, ...rest }: CommandOptions<F, Options>): Command {
  return {
    ...rest,
    passesOn,
    prepare(values, operands, mistakes) {
      // Read with the very flags whose values these are.
      const options = read(values as ValuesOf<F>, operands, mistakes)
      return () => run(options)
    },
  }
}

/** The one operand there must be. */
export function onlyOperand(what: string, operands: readonly string[], mistakes: string[]): string {
  const [first = '', ...others] = operands
  if (first === '') mistakes.push(`${what} must be given`)
  noOperands(others, mistakes)
  return first
}

export function noOperands(operands: readonly string[], mistakes: string[]): void {
  for (const operand of operands) mistakes.push(`${JSON.stringify(operand)} belongs to no flag`)
}
