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

function markdownOf(rows: readonly Row[]): string {
  const line = (texts: readonly string[]): string => `| ${texts.map(escaped).join(' | ')} |`
  const breaks = rows.map(({ trial }) => trial.mutant.breaks)
  const body = rows.map((row, position) => {
    const [name = '', ...rest] = cells(row)
    return line([`\`${name}\`: ${breaks[position] ?? ''}`, ...rest])
  })
  return [line(head), line(head.map(() => '---')), ...body].join('\n')
}

const begin = '<!-- table: written by `npm run mutants` -->'
const end = '<!-- end of table -->'

/** The page with the table between the markers replaced. */
export function withTable(page: string, rows: readonly Row[]): string {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from === -1 || to < from) throw new Error('docs/mutants.md has lost the markers of its table')
  return `${page.slice(0, from)}${begin}\n${markdownOf(rows)}\n${page.slice(to)}`
}
