import type { BusEvent } from '#api/cache/events.ts'
import type { LineView } from '#api/cache/status.ts'
import { printable, tableOf } from './table.ts'
import type { Screen } from './terminal.ts'

type Paper = Pick<Screen, 'isTerminal' | 'paint'>

/** What a node says of its lines, or why it says nothing. */
export interface NodeLines {
  readonly name: string
  readonly problem: string | null
  readonly lines: readonly LineView[]
}

const colours = { M: 'red', E: 'yellow', S: 'green', I: 'dim' } as const

/** A row for each key, a column for each node: the state, with `*` what is not flushed yet, `-` what is known to be absent, `!` what may not be used. */
export function linesGrid(keys: readonly string[], nodes: readonly NodeLines[], paper: Paper): string {
  const byKey = nodes.map(({ lines }) => new Map(lines.map((line) => [line.key, line])))
  const rows = keys.map((key) => {
    const cells = nodes.map(({ problem }, at) => (problem === null ? cellOf(byKey[at]?.get(key), paper) : paper.paint('dim', '?')))
    const newest = byKey.flatMap((lines) => lines.get(key) ?? []).find(({ usable }) => usable)
    return [printable(key), ...cells, newest?.version ?? '-', newest === undefined ? '-' : String(newest.bytes)]
  })
  return tableOf(['KEY', ...nodes.map(({ name }) => name), 'VERSION', 'BYTES'], rows, paper)
}

function cellOf(line: LineView | undefined, { paint }: Paper): string {
  if (line === undefined) return paint(colours.I, 'I')
  const { state, dirty, present, usable } = line
  return paint(colours[state], `${state}${dirty ? '*' : ''}${present ? '' : '-'}${usable ? '' : '!'}`)
}

/** One transaction on a line: when, what, which key, from whom to whom, and the right that an answer brings. */
export function busLine(event: BusEvent, paper: Paper): string {
  const { at, transaction, key, slot, from, to, grants } = event
  const cells = [at, transaction, printable(key), String(slot), printable(from), printable(to), grants ?? '-']
  if (!paper.isTerminal) return tableOf([], [cells], paper)
  const [, time = at] = /T(.*)Z$/.exec(at) ?? []
  const right = grants === null ? '' : paper.paint(colours[grants], ` ${grants}`)
  const what = paper.paint(transactionColours[transaction], transaction.padEnd(10))
  return `${paper.paint('dim', time)}  ${what}  ${printable(from)} → ${printable(to)}  ${paper.paint('bold', printable(key))}${right}\n`
}

const transactionColours = {
  BusRd: 'green',
  BusRdX: 'red',
  BusUpgr: 'red',
  Flush: 'magenta',
  Downgrade: 'yellow',
  Invalidate: 'yellow',
  Answer: 'dim',
} as const
