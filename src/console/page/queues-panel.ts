import { h } from 'preact'
import type { ComponentChild } from 'preact'
import type { QueueView } from '#api/queues/queues.ts'
import { linePath, niceTop } from '#console/curve.ts'
import { amount, counted, duration, rate } from '#console/format.ts'
import type { QueueSample } from '#console/queue-history.ts'
import { historyMs } from '#console/queue-history.ts'
import { nodesOf } from '#console/world.ts'
import type { PanelProps } from './app.ts'
import { curves } from './curves.ts'
import { queueForm } from './queue-form.ts'
import { ring } from './ring.ts'

export function queuesPanel({ scene, actions }: PanelProps): ComponentChild {
  const { queues, history, nodes } = scene.world
  const names = nodesOf(nodes, 'queue').map(({ identity }) => identity.node_id)
  const at = history.all.at(-1)?.at ?? scene.now
  return h(
    'section',
    { id: 'queues', class: 'queues', 'aria-label': 'Queues' },
    h(
      'article',
      { class: 'panel ring-panel' },
      h('h2', null, 'Hash ring', h('span', { class: 'facts' }, 'queues')),
      queues === null ? h('p', { class: 'empty' }, 'Not heard yet.') : h(ring, { view: queues.ring, names }),
    ),
    h(
      'article',
      { class: 'panel' },
      h(
        'h2',
        null,
        'Queues',
        h(
          'span',
          { class: 'facts' },
          queues === null
            ? ''
            : `${queues.next === null ? counted(queues.queues.length, 'queue') : `the first ${queues.queues.length}`}, ${queues.storage.durable ? 'durable' : 'not durable'}`,
        ),
      ),
      h(queueForm, { actions }),
      queues === null || queues.queues.length === 0
        ? h('p', { class: 'empty' }, queues === null ? 'Not heard yet.' : 'No queue yet: the first message makes one.')
        : h(queueTable, { queues: queues.queues, history: history.queues, at }),
      queues !== null && queues.missing_slots.length > 0
        ? h('p', { class: 'note warn' }, `${queues.missing_slots.length} slots could not be asked: what they hold is not counted`)
        : null,
    ),
    h(
      'article',
      { class: 'panel curve-panel' },
      h(curves, {
        title: 'Messages per second',
        at,
        lines: [
          { name: 'enqueued', hue: 0, points: history.all.map(({ at: when, enqueued: value }) => ({ at: when, value })) },
          { name: 'delivered', hue: 1, points: history.all.map(({ at: when, delivered: value }) => ({ at: when, value })) },
          { name: 'acknowledged', hue: 2, points: history.all.map(({ at: when, acknowledged: value }) => ({ at: when, value })) },
        ],
      }),
      h(curves, {
        title: 'Depth',
        at,
        lines: [
          { name: 'ready or delayed', hue: 3, points: history.all.map(({ at: when, depth: value }) => ({ at: when, value })) },
          { name: 'in flight', hue: 4, points: history.all.map(({ at: when, inFlight: value }) => ({ at: when, value })) },
        ],
      }),
    ),
  )
}

interface TableProps {
  readonly queues: readonly QueueView[]
  readonly history: ReadonlyMap<string, readonly QueueSample[]>
  readonly at: number
}

const columns = ['Ready', 'In flight', 'Delayed', 'Dead', 'Oldest', 'In /s', 'Out /s', 'Consumers'] as const

const queueTable = ({ queues, history, at }: TableProps): ComponentChild =>
  h(
    'div',
    { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Table of queues' },
    h(
      'table',
      null,
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          h('th', null, 'Queue'),
          columns.map((name) => h('th', { key: name, class: 'number' }, name)),
          h('th', { class: 'wide' }, 'Depth, 4 min'),
        ),
      ),
      h(
        'tbody',
        null,
        queues.map((queue) => h(queueRow, { key: queue.queue, queue, samples: history.get(queue.queue) ?? [], at })),
      ),
    ),
  )

function queueRow({
  queue,
  samples,
  at,
}: {
  readonly queue: QueueView
  readonly samples: readonly QueueSample[]
  readonly at: number
}): ComponentChild {
  const { ready, in_flight: inFlight, delayed, dead, dead_pending: pending, oldest_age_ms: oldest, rates, paused } = queue
  const figure = (value: number, tone = ''): ComponentChild => h('td', { class: `number ${value > 0 ? tone : 'zero'}` }, amount(value))
  return h(
    'tr',
    null,
    h('th', { scope: 'row', class: 'name' }, queue.queue, paused ? h('span', { class: 'tag' }, 'paused') : null),
    figure(ready),
    figure(inFlight),
    figure(delayed),
    figure(dead + pending, 'bad'),
    h('td', { class: 'number' }, oldest === null ? '–' : duration(oldest)),
    h('td', { class: 'number' }, rate(rates.enqueued)),
    h('td', { class: 'number' }, rate(rates.delivered)),
    figure(queue.consumer_count),
    h('td', { class: 'wide' }, h(spark, { samples, at })),
  )
}

function spark({ samples, at }: { readonly samples: readonly QueueSample[]; readonly at: number }): ComponentChild {
  const points = samples.map(({ at: when, depth }) => ({ at: when, value: depth }))
  const top = niceTop(Math.max(...points.map(({ value }) => value)))
  const path = linePath(points, { width: 96, height: 20, from: at - historyMs, to: at, top })
  return h('svg', { class: 'spark', viewBox: '0 -1 96 22', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, h('path', { d: path }))
}
