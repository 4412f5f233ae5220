import type { CacheEventView } from '#api/cache/events.ts'
import type { ClusterEvent, StreamEvent } from '#api/common/events.ts'
import type { LockEventView } from '#api/locks/events.ts'
import type { QueueEventView } from '#api/queues/events.ts'
import type { ServiceName } from './world.ts'

/** What any node may say in `GET /events`. */
export type AnyEvent = ClusterEvent | StreamEvent | LockEventView | QueueEventView | CacheEventView

/** One line of the log. */
export interface LogLine {
  /** Grows with every line. */
  readonly number: number
  readonly at: string
  readonly service: ServiceName
  /** `good` for what went on, `bad` for what was lost, `plain` for the rest. */
  readonly tone: 'plain' | 'good' | 'bad'
  readonly text: string
}

type Said = Pick<LogLine, 'tone' | 'text'>

const linesMax = 200

export function logged(log: readonly LogLine[], line: LogLine): readonly LogLine[] {
  return [line, ...log.slice(0, linesMax - 1)]
}

/** In words; null for what is no news, and for what a newer version may say. */
export function eventText(event: AnyEvent): Said | null {
  switch (event.type) {
    case 'leader-changed':
      return event.leader === null
        ? { tone: 'bad', text: `slot ${event.slot} has no leader in term ${event.term}` }
        : { tone: 'plain', text: `${event.leader} leads slot ${event.slot} in term ${event.term}` }
    case 'member-changed':
      return { tone: event.state === 'dead' || event.state === 'removed' ? 'bad' : 'good', text: `${event.node_id} is ${event.state}` }
    case 'missed':
      return { tone: 'bad', text: `${event.count} events were missed here` }
    case 'messages-moved':
      return movedText(event)
    case 'queue-configured':
      return { tone: 'plain', text: `queue ${event.queue}: ${event.partitions} partitions${event.paused ? ', paused' : ''}` }
    case 'queue-deleted':
      return { tone: 'bad', text: `queue ${event.queue} is deleted` }
    case 'redrive-ended':
      return { tone: 'good', text: `${event.moved} messages of ${event.queue} were redriven` }
    case 'home-began':
      return { tone: 'plain', text: `${event.node_id} is home of slot ${event.slot}` }
    case 'slot-lost':
      return { tone: 'bad', text: `slot ${event.slot} lost most replicas in memory, and begins anew, empty` }
    case 'home-ended':
      return { tone: 'plain', text: `${event.node_id} is no more home of slot ${event.slot}` }
    case 'hello':
      return null
    default:
      return lockText(event)
  }
}

function lockText(event: LockEventView): Said | null {
  switch (event.type) {
    case 'granted': {
      const locks = event.locks.map(({ resource_id: name, lock_type: type, fencing_token: token }) => `${name} ${type} #${token}`)
      return { tone: 'good', text: `${event.client_id} holds ${locks.join(', ')}` }
    }
    case 'hold-ended':
      return {
        tone: event.reason === 'released' || event.reason === 'released-elsewhere' || event.reason === 'session-closed' ? 'plain' : 'bad',
        text: `${event.client_id} holds ${event.resource_id} no more: ${event.reason}`,
      }
    case 'downgraded':
      return { tone: 'plain', text: `${event.client_id} holds ${event.resource_id} ${event.lock_type}` }
    case 'wait-ended':
      return {
        tone: event.reason === 'deadlock' ? 'bad' : 'plain',
        text: `${event.client_id} waits no more for ${event.resources.map(({ resource_id: name }) => name).join(', ')}: ${event.reason}`,
      }
    case 'deadlock':
      return {
        tone: 'bad',
        text: `deadlock: ${cycleText(event.waits.map(({ client_id: client }) => client))}; the victim is ${event.victim}`,
      }
    case 'session-opened':
      return { tone: 'plain', text: `${event.client_id} has opened a session` }
    case 'session-ended':
      return {
        tone: event.reason === 'expired' ? 'bad' : 'plain',
        text: `the session of ${event.client_id ?? 'a client'} is ${event.reason}`,
      }
    case 'wounded':
      return { tone: 'bad', text: `${event.client_id} is wounded by ${event.by}` }
    default:
      return null
  }
}

/** `A → B → A`. */
export const cycleText = (clients: readonly string[]): string => [...clients, ...clients.slice(0, 1)].join(' → ')

type Moved = Extract<QueueEventView, { readonly type: 'messages-moved' }>

const ways = ['enqueued', 'delivered', 'acknowledged', 'returned', 'failed', 'dead', 'forwarded', 'expired', 'dropped'] as const

function movedText(event: Moved): Said | null {
  const parts = ways.flatMap((way) => (event[way] > 0 ? [`${event[way]} ${way}`] : []))
  if (parts.length === 0) return null
  const isBad = event.failed + event.dead + event.dropped + event.expired > 0
  return { tone: isBad ? 'bad' : 'plain', text: `${event.queue}: ${parts.join(', ')}` }
}
