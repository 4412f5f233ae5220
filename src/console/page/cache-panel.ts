import { h } from 'preact'
import type { ComponentChild } from 'preact'
import { useState } from 'preact/hooks'
import type { CacheCell, CacheGrid, CacheRow } from '#console/cache-grid.ts'
import { cacheEdges } from '#console/cache-edges.ts'
import { cacheGrid } from '#console/cache-grid.ts'
import { amount, bytes, percent, rate } from '#console/format.ts'
import type { KnownNode } from '#console/world.ts'
import { nodesOf } from '#console/world.ts'
import type { Edge, LineState } from '#core/cache/transitions.ts'
import { lineStates } from '#core/cache/transitions.ts'
import type { Actions, Outcome } from './actions.ts'
import type { PanelProps } from './app.ts'
import { cacheForm } from './cache-form.ts'
import { ring } from './ring.ts'

const rowsMax = 24

export function cachePanel({ scene, actions }: PanelProps): ComponentChild {
  const { nodes, flashes } = scene.world
  const known = nodesOf(nodes, 'cache')
  const names = known.map(({ identity }) => identity.node_id)
  const view = known.find(({ cache }) => cache !== null)?.cache?.ring
  return h(
    'section',
    { class: 'cache', 'aria-label': 'Cache' },
    h(
      'article',
      { id: 'cache', class: 'panel lines' },
      h('h2', null, 'Cache lines', h(stateLegend, null)),
      h(cacheForm, { actions, names }),
      h(gridView, { grid: cacheGrid(known, flashes, rowsMax), actions }),
    ),
    h(
      'article',
      { class: 'panel' },
      h('h2', null, 'Traffic', h('span', { class: 'facts' }, 'since each node began')),
      h(traffic, { known }),
    ),
    h(
      'article',
      { class: 'panel ring-panel' },
      h('h2', null, 'Hash ring', h('span', { class: 'facts' }, 'homes of the cache')),
      view === undefined ? h('p', { class: 'empty' }, 'Not heard yet.') : h(ring, { view, names }),
    ),
  )
}

const shortName = (name: string): string => name.replace(/^cache-/, '')

/** Reads a key on a node, and shows what came of it. */
type Read = (node: string, key: string) => void

function gridView({ grid, actions }: { readonly grid: CacheGrid; readonly actions: Actions }): ComponentChild {
  const [outcome, setOutcome] = useState<Outcome | null>(null)
  const read: Read = (node, key) => void actions.read(node, key).then(setOutcome)
  if (grid.rows.length === 0) return h('p', { class: 'empty' }, 'No node has a line. Write a key, then read it on another node.')
  return h(
    'div',
    { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Grid of cache lines' },
    h(
      'table',
      { class: 'grid' },
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          h('th', null, 'Key'),
          grid.nodes.map((name, at) =>
            h('th', { key: name, class: 'cell' }, h('span', { class: `node-dot hue-${at % 6}`, 'aria-hidden': 'true' }), shortName(name)),
          ),
        ),
      ),
      h(
        'tbody',
        null,
        grid.rows.map((row) => h(gridRow, { key: row.key, row, read })),
      ),
    ),
    h(
      'output',
      { class: outcome === null ? 'note dim' : outcome.isGood ? 'note good' : 'note bad' },
      outcome?.text ?? 'Press a state to read the key on that node.',
    ),
    grid.left > 0 ? h('p', { class: 'note dim' }, `and ${amount(grid.left)} more keys`) : null,
  )
}

const gridRow = ({ row, read }: { readonly row: CacheRow; readonly read: Read }): ComponentChild =>
  h(
    'tr',
    null,
    h('th', { scope: 'row', class: 'name' }, row.key),
    row.cells.map((cell) => h('td', { key: cell.node, class: 'cell' }, h(cellView, { cell, keyName: row.key, read }))),
  )

const stateLegend = (): ComponentChild =>
  h(
    'ul',
    { class: 'facts legend' },
    lineStates.map((state) => h('li', { key: state }, stateMark(state), stateWords[state])),
  )

const stateMark = (state: LineState): ComponentChild => h('span', { class: `state-mark state-${state}` }, state)

const stateWords = { M: 'modified', E: 'exclusive', S: 'shared', I: 'invalid' } as const satisfies Readonly<Record<LineState, string>>

interface CellProps {
  readonly cell: CacheCell
  readonly keyName: string
  readonly read: Read
}

/** A press reads the key on that node. */
function cellView({ cell, keyName, read }: CellProps): ComponentChild {
  const { state, node, flash, dirty } = cell
  if (state === null) return h('span', { class: 'state none' }, '–')
  return h(
    'button',
    {
      type: 'button',
      class: `state state-${state}`,
      'aria-label': `${keyName} is ${stateWords[state]} on ${node}; read it there`,
      onClick: () => read(node, keyName),
    },
    `${state}${dirty ? '*' : ''}`,
    flash === null ? null : h('span', { key: flash.number, class: `flash ${flash.transaction}`, 'aria-hidden': 'true' }, flash.transaction),
  )
}

const busKinds = ['BusRd', 'BusRdX', 'BusUpgr', 'Flush'] as const

function traffic({ known }: { readonly known: readonly KnownNode[] }): ComponentChild {
  const figures: readonly (readonly [string, (node: KnownNode) => string])[] = [
    ['Requests /s', ({ report }) => (report === null ? '–' : rate(report.performance.requests_per_second))],
    ['Hit rate', ({ report }) => (report === null || report.counters.reads === 0 ? '–' : percent(report.performance.hit_rate))],
    ['Lines', ({ cache }) => (cache === null ? '–' : amount(cache.capacity.lines))],
    ['Memory', ({ cache }) => (cache === null ? '–' : bytes(cache.capacity.bytes))],
    ...busKinds.map((kind) => [kind, ({ report }: KnownNode) => (report === null ? '–' : amount(report.counters.bus[kind] ?? 0))] as const),
    ['Invalidations', ({ report }) => (report === null ? '–' : amount(report.counters.invalidations_received))],
    ['Homes', ({ cache }) => (cache === null ? '–' : `${cache.homes.open} of ${cache.homes.slots}`)],
  ]
  const rows = [
    ...figures.map(([name, value]) => ({ name, head: name, cells: known.map(value) })),
    ...cacheEdges(known).map(({ name, counts, ...edge }) => ({ name, head: h(edgeHead, edge), cells: counts.map(counted) })),
  ]
  return h(
    'div',
    { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Figures of the cache nodes' },
    h(
      'table',
      null,
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          h('th', null, h('span', { class: 'unseen' }, 'Figure')),
          known.map(({ identity: { node_id: name } }, at) =>
            h('th', { key: name, class: 'number' }, h('span', { class: `node-dot hue-${at % 6}`, 'aria-hidden': 'true' }), shortName(name)),
          ),
        ),
      ),
      h(
        'tbody',
        null,
        rows.map(({ name, head, cells }) =>
          h(
            'tr',
            { key: name },
            h('th', { scope: 'row' }, head),
            known.map(({ address }, at) => h('td', { key: address, class: 'number' }, cells[at])),
          ),
        ),
      ),
    ),
  )
}

const counted = (count: number | null): string => (count === null ? '–' : amount(count))

/** A change of state. */
const edgeHead = ({ from, next }: Edge): ComponentChild =>
  h(
    'span',
    { class: 'edge' },
    stateMark(from),
    '→',
    stateMark(next),
    h('span', { class: 'unseen' }, `${stateWords[from]} to ${stateWords[next]}`),
  )
