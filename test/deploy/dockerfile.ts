import { textOf } from './yaml-files.ts'

interface Instruction {
  readonly word: string
  /** All that follows, on one line. */
  readonly rest: string
}

export interface BuildStage {
  readonly name: string
  /** An image, or another stage. */
  readonly from: string
  readonly instructions: readonly Instruction[]
}

/** The stages of `Dockerfile`, in order; the last one is the image. */
export function dockerStages(text = textOf('Dockerfile')): readonly BuildStage[] {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
  const stages: { name: string; from: string; instructions: Instruction[] }[] = []
  for (const line of lines) {
    const [, word = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? []
    if (word === 'FROM') {
      const [from = '', , name = ''] = rest.split(' ')
      stages.push({ name, from, instructions: [] })
    } else if (word !== '') {
      stages.at(-1)?.instructions.push({ word, rest })
    }
  }
  return stages
}

/** What a `COPY` takes, and where it puts that; `stage` is null for what comes from the repository. */
export function copyOf(rest: string): { readonly stage: string | null; readonly sources: readonly string[]; readonly target: string } {
  const words = rest.split(/\s+/)
  const stage = /^--from=(.+)$/.exec(words[0] ?? '')?.[1] ?? null
  const paths = stage === null ? words : words.slice(1)
  return { stage, sources: paths.slice(0, -1), target: paths.at(-1) ?? '' }
}

/** The environment that `ENV` gives. */
export const environmentOf = ({ instructions }: BuildStage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    instructions
      .filter(({ word }) => word === 'ENV')
      .flatMap(({ rest }) => rest.split(' ').map((pair): [string, string] => pair.split('=') as [string, string])),
  )

/** The words of an instruction in the form of a list, which needs no shell. */
export function listOf({ instructions }: BuildStage, wanted: string): readonly string[] {
  const { rest = '' } = instructions.find(({ word }) => word === wanted) ?? {}
  return JSON.parse(rest.slice(rest.indexOf('['))) as readonly string[]
}
