import { stripVTControlCharacters } from 'node:util'
import type { Screen } from './terminal.ts'

/** Rows below a head on a terminal; elsewhere one line for each row, with tabs between and no head, for `cut` and `awk`. */
export function tableOf(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { isTerminal, paint }: Pick<Screen, 'isTerminal' | 'paint'>,
): string {
  if (!isTerminal) return rows.map((row) => `${row.map(flat).join('\t')}\n`).join('')
  const all = [head.map((cell) => paint('bold', cell)), ...rows.map((row) => row.map(flat))]
  const widths = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))))
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => pad(cell, widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** Names may hold anything, also what moves the cursor. */
const flat = (cell: string): string => cell.replaceAll(/[\t\n\r]/g, ' ')

const widthOf = (text: string): number => stripVTControlCharacters(text).length
const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)))

/** The same for text of several lines. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n')

/** A name from elsewhere, without what a terminal would take for an order. */
export const printable = (name: string): string =>
  name.replaceAll(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
