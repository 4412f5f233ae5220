import type { LockDetail, LocksView } from '#api/locks/views.ts'
import { roughDuration } from '#cli/flags/duration.ts'
import { printable, tableOf } from './table.ts'
import type { Screen } from './terminal.ts'

type Lock = LocksView['locks'][number]
type Paper = Pick<Screen, 'isTerminal' | 'paint'>

/** So many names on a line of the list, for eyes. */
const listedOnTerminal = 3

/** `now` is wall time, which what is left of a lease is counted from. */
export function locksTable(locks: readonly Lock[], now: number, paper: Paper): string {
  const rows = locks.map((lock) => {
    const shown = paper.isTerminal ? lock.holders.slice(0, listedOnTerminal) : lock.holders
    const left = lock.holder_count - shown.length
    const more = left > 0 ? `, +${left}` : ''
    return [
      printable(lock.resource_id),
      modeOf(lock),
      shown.map(({ client_id: client }) => printable(client)).join(', ') + more,
      shown.map(({ fencing_token: token }) => token).join(', ') + more,
      endOf(lock, now),
      String(lock.waiter_count),
    ]
  })
  return tableOf(['LOCK', 'MODE', 'HELD BY', 'TOKEN', 'EXPIRES IN', 'WAITING'], rows, paper)
}

export function lockDetailText(lock: LockDetail, now: number, paper: Paper): string {
  const { paint } = paper
  const holders = lock.holders.map((holder) => [
    printable(holder.client_id),
    holder.lock_type,
    String(holder.fencing_token),
    leftUntil(holder.expires_at, now),
  ])
  const waiters = lock.waiters.map((waiter) => [
    String(waiter.position),
    printable(waiter.client_id),
    waiter.upgrade ? 'upgrade' : waiter.lock_type,
    leftUntil(waiter.ends_at, now),
  ])
  if (!paper.isTerminal) {
    const lines = [
      ...holders.map((row) => ['holder', ...row]),
      ...waiters.map(([at = '', ...row]) => ['waiter', row[0] ?? '', row[1] ?? '', at, row[2] ?? '']),
    ]
    return tableOf([], lines, paper)
  }
  const parts = [`${paint('bold', printable(lock.resource_id))}  ${modeOf(lock)}\n`]
  if (holders.length > 0) parts.push(indented(tableOf(['HELD BY', 'MODE', 'TOKEN', 'EXPIRES IN'], holders, paper)))
  if (waiters.length > 0) parts.push(indented(tableOf(['#', 'WAITING', 'FOR', 'GIVES UP IN'], waiters, paper)))
  const unlisted = lock.holder_count - holders.length + lock.waiter_count - waiters.length
  if (unlisted > 0) parts.push(`and ${unlisted} more\n`)
  parts.push(`${paint('dim', `seen by ${lock.node_id}, term ${lock.term}`)}\n`)
  return parts.join('\n')
}

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ')

function modeOf({ holders, closed_until: closed }: Pick<Lock, 'holders' | 'closed_until'>): string {
  return holders[0]?.lock_type ?? (closed === null ? 'free' : 'closed')
}

/** When the first of its leases ends, or how long it stays closed. */
function endOf({ holders, closed_until: closed }: Lock, now: number): string {
  const ends = holders.flatMap(({ expires_at: at }) => at ?? []).sort()
  return leftUntil(ends[0] ?? (holders.length === 0 ? closed : null), now)
}

/** Under a session, or until it is released, a lock has no end of its own. */
const leftUntil = (instant: string | null, now: number): string =>
  instant === null ? '-' : roughDuration(Math.max(0, Date.parse(instant) - now))
