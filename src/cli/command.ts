import { valuesOf } from '#cli/flags/flag.ts'
import type { Flags, Found, Given, Layers, ValuesOf } from '#cli/flags/flag.ts'

/** One verb of the command line. `Options` is what it makes of what was given. */
interface CommandOptions<F extends Flags, Options> {
  readonly name: string
  /** A line. */
  readonly summary: string
  /** What follows the flags, as in `NAME`; empty for nothing. */
  readonly operands: string
  /** What the first operand may be, where that is one of a few words. */
  readonly words?: readonly string[]
  /** The first operand begins somebody else's command line: what follows belongs to that. */
  readonly passesOn?: boolean
  /** What the help says below the flags: how it behaves, and examples. */
  readonly help: string
  readonly flags: F
  /** Says what was left out; what is wrong there is added to `mistakes`. Only the command line does, unless given. */
  readonly layers?: (found: Found, mistakes: string[]) => Layers
  /** Adds to `mistakes` what the flags one at a time cannot say. */
  readonly read: (values: ValuesOf<F>, operands: readonly string[], mistakes: string[], origins: Origins) => Options
  /** Resolves with the exit code. */
  readonly run: (options: Options) => Promise<number>
}

/** Where each setting was said, by the name of its flag; those that are not in it have their defaults. */
export type Origins = ReadonlyMap<string, string>

/** The same, with its types forgotten. */
export interface Command extends Omit<CommandOptions<Flags, unknown>, 'read' | 'run' | 'passesOn' | 'layers'> {
  readonly passesOn: boolean
  /** What runs it, if no mistakes were found. */
  prepare(found: Found, operands: readonly string[], mistakes: string[]): () => Promise<number>
}

export function defineCommand<F extends Flags, Options>({
  read,
  run,
  passesOn = false,
  layers: layersOf,
  ...rest
}: CommandOptions<F, Options>): Command {
  return {
    ...rest,
    passesOn,
    prepare(found, operands, mistakes) {
      const layers = layersOf?.(found, mistakes) ?? new Map<string, Given>()
      const values = valuesOf(rest.flags, found, mistakes, layers)
      const given = [...found].filter(([, texts]) => texts.length > 0).map(([flag]) => [flag, `--${flag}`] as const)
      const origins = new Map([...[...layers].map(([flag, { name }]) => [flag, name] as const), ...given])
      const options = read(values, operands, mistakes, origins)
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
