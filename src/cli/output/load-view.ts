import type { LoadDone } from '#cli/load/load.ts'
import type { WorkDone } from '#cli/load/work.ts'
import { tableOf } from './table.ts'
import type { Screen } from './terminal.ts'

type Paper = Pick<Screen, 'isTerminal' | 'paint'>

/** A row for each kind of operation; on a terminal also what there is to say besides. */
export function loadText({ works, deliveredAgain, hitPercent }: LoadDone, paper: Paper): string {
  const head = ['OPERATION', 'COUNT', 'PER SECOND', 'P50', 'P99', 'MAX', 'FAILED', 'WRONG']
  const table = tableOf(
    head,
    works.map((work) => rowOf(work, paper)),
    paper,
  )
  if (!paper.isTerminal) return table
  const failures = works.flatMap(({ name, failures: codes }) => Object.entries(codes).map(([code, count]) => `${name}: ${count} ${code}`))
  const lines = [
    ...(hitPercent === null ? [] : [`${hitPercent.toFixed(1)} % of the reads were hits in the memory of the client`]),
    ...(deliveredAgain === 0 ? [] : [`${deliveredAgain} messages came more than once`]),
    ...failures,
    ...works.flatMap(({ wrong }) => wrong.slice(0, wrongMax)).map((what) => paper.paint('red', `wrong: ${what}`)),
  ]
  return lines.length === 0 ? table : `${table}\n${lines.join('\n')}\n`
}

/** Of each kind. */
const wrongMax = 5

function rowOf({ name, operations, perSecond, p50Ms, p99Ms, maxMs, failed, wrong }: WorkDone, { paint }: Paper): readonly string[] {
  const times = [p50Ms, p99Ms, maxMs].map(shortTime)
  const count = (many: number, colour: 'yellow' | 'red'): string => (many === 0 ? '0' : paint(colour, String(many)))
  return [name, String(operations), String(Math.round(perSecond)), ...times, count(failed, 'yellow'), count(wrong.length, 'red')]
}

/** As people read it, with three digits. */
function shortTime(ms: number): string {
  if (ms >= 1_000) return `${Number((ms / 1_000).toPrecision(3))} s`
  return ms >= 1 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms * 1_000).toPrecision(3))} µs`
}
