import type { Trial, Verdict } from './trial.ts'

export interface Row extends Verdict {
  readonly trial: Trial
}

const head = ['mutant', 'guards', 'killed by', 'first line of the failure', 'seconds'] as const

const cells = ({ trial, killed, by, says, seconds }: Row): readonly string[] => [
  trial.mutant.name,
  trial.mutant.guards,
  killed ? by : `NOT KILLED: ${by}`,
  says,
  seconds.toFixed(1),
]

/** For the terminal: one line for each, as it ends. */
export const lineOf = (row: Row): string => {
  const [name = '', guards = '', by = '', says = '', seconds = ''] = cells(row)
  return `${name.padEnd(38)} ${guards.padEnd(12)} ${seconds.padStart(5)} s  ${by}${says === '' ? '' : ` › ${says}`}`
}

const escaped = (text: string): string => text.replaceAll('|', String.raw`\|`).replaceAll('<', '&lt;')

const line = (texts: readonly string[]): string => `| ${texts.map(escaped).join(' | ')} |`
/** A cell begins with the name, which is how a line is found again. */
const nameOf = (text: string): string | undefined => /^\| `(?<name>[^`]+)`:/.exec(text)?.groups?.['name']

function markdownOf(row: Row): string {
  const [name = '', ...rest] = cells(row)
  return line([`\`${name}\`: ${row.trial.mutant.breaks}`, ...rest])
}

const begin = '<!-- table: written by `npm run mutants` -->'
const end = '<!-- end of table -->'

/** The page with the lines of what was tried now, and with those that it has of the other `names`; in the order of these. */
export function withTable(page: string, rows: readonly Row[], names: readonly string[]): string {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from === -1 || to < from) throw new Error('docs/mutants.md has lost the markers of its table')
  const tried = Map.groupBy(rows.map(markdownOf), nameOf)
  const there = Map.groupBy(page.slice(from, to).split('\n'), nameOf)
  const body = names.flatMap((name) => tried.get(name) ?? there.get(name) ?? [])
  return `${page.slice(0, from)}${[begin, line(head), line(head.map(() => '---')), ...body].join('\n')}\n${page.slice(to)}`
}

/** The mutants that the page tells of. */
export const toldBy = (page: string): ReadonlySet<string | undefined> => new Set(page.split('\n').map(nameOf))
