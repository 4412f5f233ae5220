import { h } from 'preact'
import type { ComponentChild } from 'preact'
import type { Actions } from './actions.ts'
import { cachePanel } from './cache-panel.ts'
import { clusterPanels } from './cluster-panels.ts'
import { eventsPanel } from './events-panel.ts'
import { header } from './header.ts'
import { locksPanel } from './locks-panel.ts'
import { queuesPanel } from './queues-panel.ts'
import type { Scene } from './store.ts'

export interface PanelProps {
  readonly scene: Scene
  readonly actions: Actions
}

export function app(props: PanelProps): ComponentChild {
  return h(
    'div',
    { class: 'console' },
    h('a', { class: 'skip', href: '#main' }, 'To the clusters'),
    h(header, props),
    h(
      'main',
      { id: 'main', tabIndex: -1 },
      h(clusterPanels, props),
      h(locksPanel, props),
      h(queuesPanel, props),
      h('div', { class: 'bottom' }, h(cachePanel, props), h(eventsPanel, props)),
    ),
  )
}
