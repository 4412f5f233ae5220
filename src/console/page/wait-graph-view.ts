import { h } from 'preact'
import type { ComponentChild } from 'preact'
import type { GraphClient, GraphWait, WaitGraph } from '#console/wait-graph.ts'

const step = { x: 160, y: 42 } as const
const box = { width: 88, height: 26 } as const
const nameMax = 12
const resourceMax = 9

export function waitGraphView({ graph }: { readonly graph: WaitGraph }): ComponentChild {
  const { clients, waits, columns, rows, left } = graph
  const width = (columns - 1) * step.x + box.width + 8
  const height = Math.max(1, rows) * step.y
  return h(
    'figure',
    { class: 'graph', tabIndex: 0, 'aria-label': 'Who waits for whom' },
    h(
      'svg',
      { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': waits.map(waitText).join('; ') },
      h(
        'defs',
        null,
        h(
          'marker',
          { id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' },
          h('path', { d: 'M0 0L8 4L0 8Z' }),
        ),
      ),
      waits.map((wait) => h(waitView, { key: `${wait.from.client} ${wait.to.client}`, wait })),
      clients.map((client) => h(clientView, { key: client.client, client })),
      waits.map((wait) => h(resourceName, { key: `${wait.from.client} ${wait.to.client}`, wait })),
    ),
    left > 0 ? h('figcaption', { class: 'dim' }, `and ${left} more`) : null,
  )
}

const waitText = ({ from, to, resources }: GraphWait): string => `${from.client} waits for ${to.client} because of ${resources.join(', ')}`

const place = ({ column, row }: GraphClient): { readonly x: number; readonly y: number } => ({
  x: column * step.x + 4,
  y: row * step.y + 10,
})

interface Line {
  readonly isForward: boolean
  readonly x0: number
  readonly y0: number
  readonly x1: number
  readonly y1: number
}

/** From the edge of one client to that of the other. */
function lineOf({ from, to }: GraphWait): Line {
  const [start, end] = [place(from), place(to)]
  const isForward = to.column > from.column
  const middle = box.height / 2
  return {
    isForward,
    x0: start.x + (isForward ? box.width : 0),
    y0: start.y + middle,
    x1: end.x + (isForward ? -3 : box.width + 3),
    y1: end.y + middle,
  }
}

/** Over all lines, so that none strikes it out. */
function resourceName({ wait }: { readonly wait: GraphWait }): ComponentChild {
  const { x0, y0, x1, y1 } = lineOf(wait)
  const text = shortened(wait.resources.join(', '), resourceMax)
  return h('text', { class: 'resource', x: (x0 + x1) / 2 - 3, y: (y0 + y1) / 2 + 3, 'text-anchor': 'middle' }, text)
}

function waitView({ wait }: { readonly wait: GraphWait }): ComponentChild {
  const { isForward, x0, y0, x1, y1 } = lineOf(wait)
  const bend = isForward ? (x1 - x0) / 2 : -24
  return h(
    'g',
    { class: isForward ? 'wait' : 'wait back' },
    h('path', { d: `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`, 'marker-end': 'url(#arrow)' }),
    h('title', null, waitText(wait)),
  )
}

const shortened = (text: string, max: number): string => (text.length > max ? `${text.slice(0, max - 1)}…` : text)

function clientView({ client }: { readonly client: GraphClient }): ComponentChild {
  const { x, y } = place(client)
  const { client: name } = client
  return h(
    'g',
    { class: 'client' },
    h('rect', { x, y, width: box.width, height: box.height, rx: 6 }),
    h('text', { x: x + box.width / 2, y: y + box.height / 2 + 4, 'text-anchor': 'middle' }, shortened(name, nameMax)),
    h('title', null, name),
  )
}
