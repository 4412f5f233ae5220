import { h } from 'preact'
import type { ComponentChild } from 'preact'
import { useState } from 'preact/hooks'
import type { ClusterCard, NodeRow } from '#console/cluster-card.ts'
import { clusterCard } from '#console/cluster-card.ts'
import { amount } from '#console/format.ts'
import { serviceNames } from '#console/world.ts'
import type { Actions } from './actions.ts'
import type { PanelProps } from './app.ts'

const titles = { lock: 'Locks', queue: 'Queues', cache: 'Cache' } as const
const healthWords = { whole: 'healthy', degraded: 'degraded', down: 'down', unknown: 'not seen' } as const
const healthTones = { whole: 'good', degraded: 'warn', down: 'bad', unknown: 'off' } as const

export function clusterPanels({ scene, actions }: PanelProps): ComponentChild {
  const killer = scene.config.control === null ? null : actions
  return h(
    'section',
    { id: 'clusters', class: 'clusters', 'aria-label': 'Clusters' },
    serviceNames.map((service) => h(clusterPanel, { key: service, card: clusterCard(scene.world.nodes, service), killer })),
  )
}

function clusterPanel({ card, killer }: { readonly card: ClusterCard; readonly killer: Actions | null }): ComponentChild {
  const { service, health, slots, leaderless, term, rows, engine, warnings } = card
  return h(
    'article',
    { class: 'panel cluster', 'aria-labelledby': `cluster-${service}` },
    h(
      'h2',
      { id: `cluster-${service}` },
      h('span', { class: `dot ${healthTones[health]}`, 'aria-hidden': 'true' }),
      titles[service],
      h('span', { class: 'dim' }, healthWords[health]),
      h('span', { class: 'facts' }, slots === 0 ? '' : `${slots === 1 ? 'one slot' : `${slots} slots`}, ${engine ?? ''}, term ${term}`),
    ),
    rows.length === 0
      ? h('p', { class: 'empty' }, 'No node of this service has answered yet.')
      : h(
          'table',
          { class: 'nodes' },
          h(
            'thead',
            null,
            h(
              'tr',
              null,
              h('th', null, 'Node'),
              h('th', null, slots === 1 ? 'Role' : 'Leads'),
              h('th', { class: 'number' }, 'Term'),
              h('th', { class: 'number' }, 'Lag'),
              killer === null ? null : h('th', null, h('span', { class: 'unseen' }, 'Actions')),
            ),
          ),
          h(
            'tbody',
            null,
            rows.map((row) => h(nodeRow, { key: row.id, row, slots, killer })),
          ),
        ),
    leaderless > 0 ? h('p', { class: 'bad note' }, `${leaderless} of ${slots} slots have no leader`) : null,
    warnings.map((warning) => h('p', { key: warning, class: 'note warn' }, warning)),
  )
}

function nodeRow({
  row,
  slots,
  killer,
}: {
  readonly row: NodeRow
  readonly slots: number
  readonly killer: Actions | null
}): ComponentChild {
  const { id, address, health, at, leads, isLeader, term, lag } = row
  const isThere = health === 'up'
  return h(
    'tr',
    { class: isThere ? '' : 'gone' },
    h(
      'th',
      { scope: 'row' },
      h('span', { class: `node-dot hue-${at % 6}`, 'aria-hidden': 'true' }),
      h('a', { href: `${location.protocol}//${address}/docs`, title: address }, id),
    ),
    h(
      'td',
      null,
      isThere
        ? slots === 0
          ? '–'
          : slots === 1
            ? roleTag(isLeader)
            : share(leads, slots, at)
        : h('span', { class: 'bad' }, goneWords[health]),
    ),
    h('td', { class: 'number' }, isThere ? String(term) : '–'),
    h('td', { class: `number ${lag !== null && lag > 0 ? 'warn' : ''}` }, lag === null ? '–' : amount(lag)),
    killer === null ? null : h('td', null, isThere ? h(killButton, { id, killer }) : null),
  )
}

const goneWords = { new: 'not asked yet', up: '', silent: 'no answer', locked: 'wants a token' } as const

const roleTag = (isLeader: boolean): ComponentChild =>
  h('span', { class: isLeader ? 'tag leader' : 'dim' }, isLeader ? 'leader' : 'follower')

/** How many of the slots it leads, as a number and as a bar. */
const share = (leads: number, slots: number, at: number): ComponentChild =>
  h(
    'span',
    { class: 'share' },
    h('span', { class: 'figure' }, leads),
    h(
      'svg',
      { viewBox: '0 0 100 4', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      h('rect', { class: 'track', width: 100, height: 4 }),
      h('rect', { class: `hue-${at % 6}`, width: (100 * leads) / slots, height: 4 }),
    ),
  )

/** Asks once more, as what is killed is killed. */
function killButton({ id, killer }: { readonly id: string; readonly killer: Actions }): ComponentChild {
  const [isSure, setSure] = useState(false)
  const click = (): void => {
    if (isSure) void killer.kill(id)
    setSure(!isSure)
  }
  return h(
    'button',
    {
      type: 'button',
      class: isSure ? 'small danger' : 'small quiet',
      'aria-label': `${isSure ? 'Really kill' : 'Kill'} ${id}`,
      onClick: click,
      onBlur: () => setSure(false),
    },
    isSure ? 'Sure?' : 'Kill',
  )
}
