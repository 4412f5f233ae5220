import { edgeName, edges, lineEvents, lineStates, transitions } from '#core/cache/transitions.ts'

/** The table of the cache protocol as `docs/cache-protocol.md` shows it, and the diagrams of its states. */

const begin = '<!-- table: written by `node test/house/line-table.test.ts --rewrite` -->'
const end = '<!-- end of table -->'

function lineTable(): string {
  const head = ['event', ...lineStates.map((state) => `in ${state}`)]
  const rows = lineEvents.map((event) => {
    const cells = lineStates.map((state) => {
      const transition = transitions[state][event]
      return transition === null ? '–' : `${transition.next}, \`${transition.action}\``
    })
    return [`\`${event}\``, ...cells]
  })
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** The page with the table as it is. Throws when there is no place for it. */
export function withLineTable(page: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error('the page has no place for the table')
  return `${page.slice(0, from)}${begin}\n\n${lineTable()}\n\n${page.slice(to)}`
}

const diagram = /^```mermaid\nstateDiagram-v2\n(?<lines>[\s\S]*?)^```/gm
const arrow = /^ +(?<edge>[MESI] --> [MESI]):/

/** What the diagrams of the states of a line have that cannot happen, and lack. */
export function diagramFaults(page: string): readonly string[] {
  const possible = edges.map(edgeName)
  const diagrams = [...page.matchAll(diagram)].map(({ groups }) =>
    (groups?.['lines'] ?? '').split('\n').flatMap((line) => arrow.exec(line)?.groups?.['edge']?.replace(' --> ', '') ?? []),
  )
  const ofLines = diagrams.filter((drawn) => drawn.length > 0)
  if (ofLines.length === 0) return ['no diagram of the states of a line']
  return ofLines.flatMap((drawn) => [
    ...drawn.filter((edge) => !possible.includes(edge)).map((edge) => `${edge} cannot happen`),
    ...possible.filter((edge) => !drawn.includes(edge)).map((edge) => `${edge} is not drawn`),
  ])
}
