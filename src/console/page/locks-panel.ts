import { h } from 'preact'
import type { ComponentChild } from 'preact'
import type { DeadlocksView, LocksView } from '#api/locks/views.ts'
import { cycleText } from '#console/event-log.ts'
import { clockTime, counted, duration } from '#console/format.ts'
import { waitGraph } from '#console/wait-graph.ts'
import type { PanelProps } from './app.ts'
import { lockForm } from './lock-form.ts'
import { waitGraphView } from './wait-graph-view.ts'

export function locksPanel({ scene, actions }: PanelProps): ComponentChild {
  const { locks, deadlocks } = scene.world
  return h(
    'section',
    { id: 'locks', class: 'pair locks', 'aria-label': 'Locks' },
    h(
      'article',
      { class: 'panel' },
      h(
        'h2',
        null,
        'Locks',
        h(
          'span',
          { class: 'facts' },
          locks === null ? '' : locks.next === null ? counted(locks.locks.length, 'resource') : `the first ${locks.locks.length}`,
        ),
      ),
      h(lockForm, { actions }),
      locks === null || locks.locks.length === 0
        ? h('p', { class: 'empty' }, locks === null ? 'Not heard yet.' : 'Nobody holds a lock. Acquire one above, or over the API.')
        : h(lockTable, { locks, now: scene.now }),
    ),
    h(
      'article',
      { class: 'panel' },
      h(
        'h2',
        null,
        'Wait-for graph',
        h('span', { class: 'facts' }, deadlocks === null ? '' : `${counted(deadlocks.found, 'deadlock')} found, victim: ${deadlocks.mode}`),
      ),
      deadlocks === null || deadlocks.graph.length === 0
        ? h('p', { class: 'empty' }, 'Nobody waits for anybody.')
        : h(waitGraphView, { graph: waitGraph(deadlocks.graph) }),
      deadlocks === null ? null : h(recentDeadlocks, { recent: deadlocks.recent }),
    ),
  )
}

type Lock = LocksView['locks'][number]

const lockTable = ({ locks, now }: { readonly locks: LocksView; readonly now: number }): ComponentChild =>
  h(
    'div',
    { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Table of locks' },
    h(
      'table',
      null,
      h('thead', null, h('tr', null, h('th', null, 'Resource'), h('th', null, 'Held by'), h('th', null, 'Waiting, in order'))),
      h(
        'tbody',
        null,
        locks.locks.map((lock) => h(lockRow, { key: lock.resource_id, lock, now })),
      ),
    ),
  )

const lockRow = ({ lock, now }: { readonly lock: Lock; readonly now: number }): ComponentChild =>
  h(
    'tr',
    null,
    h('th', { scope: 'row', class: 'name' }, lock.resource_id),
    h(
      'td',
      null,
      lock.holders.map((holder) =>
        h(
          'span',
          { key: holder.client_id, class: `chip ${holder.lock_type}` },
          h('b', null, holder.client_id),
          h(
            'span',
            { class: 'dim', title: `${holder.lock_type}, fencing token ${holder.fencing_token}` },
            `${holder.lock_type === 'shared' ? 'S' : 'X'} #${holder.fencing_token}`,
          ),
          holder.expires_at === null
            ? null
            : h('time', { class: 'dim', dateTime: holder.expires_at }, duration(Date.parse(holder.expires_at) - now)),
        ),
      ),
      more(lock.holder_count - lock.holders.length),
      lock.closed_until === null ? null : h('span', { class: 'chip' }, `closed for ${duration(Date.parse(lock.closed_until) - now)}`),
    ),
    h(
      'td',
      null,
      lock.waiters.map((waiter) =>
        h(
          'span',
          { key: `${waiter.position} ${waiter.client_id}`, class: 'chip waiting' },
          waiter.client_id,
          h('span', { class: 'dim' }, waiter.upgrade ? 'upgrade' : waiter.lock_type === 'shared' ? 'S' : 'X'),
        ),
      ),
      more(lock.waiter_count - lock.waiters.length),
    ),
  )

const more = (count: number): ComponentChild => (count > 0 ? h('span', { class: 'dim' }, `and ${count} more`) : null)

const recentDeadlocks = ({ recent }: { readonly recent: DeadlocksView['recent'] }): ComponentChild =>
  recent.length === 0
    ? null
    : h(
        'ol',
        { class: 'deadlocks', 'aria-label': 'The last deadlocks' },
        recent
          .slice(0, 4)
          .map(({ at, cycle, victim }) =>
            h(
              'li',
              { key: `${at} ${victim}` },
              h('time', { dateTime: at, class: 'dim' }, clockTime(at)),
              h('span', { class: 'bad' }, cycleText(cycle)),
              h('span', { class: 'dim' }, `refused to ${victim}`),
            ),
          ),
      )
