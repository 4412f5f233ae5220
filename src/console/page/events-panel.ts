import { h } from 'preact'
import type { ComponentChild } from 'preact'
import { useState } from 'preact/hooks'
import { clockTime } from '#console/format.ts'
import type { ServiceName } from '#console/world.ts'
import { serviceNames } from '#console/world.ts'
import type { PanelProps } from './app.ts'

export function eventsPanel({ scene }: PanelProps): ComponentChild {
  const [hidden, setHidden] = useState<ReadonlySet<ServiceName>>(new Set())
  const { log } = scene.world
  const shown = log.filter(({ service }) => !hidden.has(service))
  const toggle = (service: ServiceName): void =>
    setHidden(new Set(hidden.has(service) ? [...hidden].filter((name) => name !== service) : [...hidden, service]))
  return h(
    'section',
    { id: 'events', class: 'events', 'aria-label': 'Events' },
    h(
      'article',
      { class: 'panel' },
      h(
        'h2',
        null,
        'Events',
        h(
          'span',
          { class: 'facts filters' },
          serviceNames.map((service) =>
            h(
              'button',
              { key: service, type: 'button', class: 'small quiet', 'aria-pressed': !hidden.has(service), onClick: () => toggle(service) },
              service,
            ),
          ),
        ),
      ),
      shown.length === 0
        ? h('p', { class: 'empty' }, 'Nothing has happened since this page was opened.')
        : h(
            'ol',
            { class: 'log', tabIndex: 0, 'aria-label': 'What happened, the newest first' },
            shown.map(({ number, at, service, tone, text }) =>
              h(
                'li',
                { key: number, class: tone },
                h('time', { dateTime: at }, clockTime(at)),
                h('span', { class: 'dim' }, service),
                h('span', null, text),
              ),
            ),
          ),
    ),
  )
}
