/** A flag of a command line: how it is told in the help, and what its texts mean. */
export interface Flag<T> {
  /** What stands for its value in the help; null for a flag that is there or not. */
  readonly placeholder: string | null
  readonly description: string
  readonly repeatable: boolean
  /** Adds to `mistakes` what is wrong with it, naming the flag; what is returned then does not matter. */
  read(given: Given, mistakes: string[]): T
}

export interface Given {
  /** With its dashes. */
  readonly name: string
  /** None when it was left out. */
  readonly texts: readonly string[]
}

/** By name, without dashes. */
export type Flags = Readonly<Record<string, Flag<unknown>>>
export type ValuesOf<F extends Flags> = { readonly [Name in keyof F]: F[Name] extends Flag<infer T> ? T : never }

/** What was found on the command line: null is a flag without a value. */
export type Found = ReadonlyMap<string, readonly (string | null)[]>

/** `LOCKSTEP_LOG_LEVEL` of `log-level`: the variable of the environment that stands for a flag. */
export const variableOf = (flag: string): string => `LOCKSTEP_${flag.toUpperCase().replaceAll('-', '_')}`

/** What says elsewhere what was left out on the command line, by the names of flags; `name` is where it was said. */
export type Layers = ReadonlyMap<string, Given>

const noLayers: Layers = new Map()

/** Reads every flag, so that all mistakes are found. */
export function valuesOf<F extends Flags>(flags: F, found: Found, mistakes: string[], layers: Layers = noLayers): ValuesOf<F> {
  const entries = Object.entries(flags).map(([name, flag]) => {
    const given = found.get(name) ?? []
    const elsewhere = given.length === 0 ? layers.get(name) : undefined
    return [name, elsewhere === undefined ? valueOf(`--${name}`, flag, given, mistakes) : flag.read(elsewhere, mistakes)]
  })
  return Object.fromEntries(entries) as ValuesOf<F>
}

function valueOf(name: string, flag: Flag<unknown>, found: readonly (string | null)[], mistakes: string[]): unknown {
  if (flag.placeholder === null) return flag.read({ name, texts: found.map(String) }, mistakes)
  if (found.length > 1 && !flag.repeatable) mistakes.push(`${name} is given twice`)
  const texts = found.filter((text): text is string => text !== null && text !== '')
  if (texts.length < found.length) {
    mistakes.push(`${name} needs a value: ${flag.placeholder}`)
    // What is missing is not wrong in another way too.
    return flag.read({ name, texts }, [])
  }
  return flag.read({ name, texts }, mistakes)
}
