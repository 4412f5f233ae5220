import { anyUnlimitedToken } from '#api/access/access.ts'
import type { TSchema } from 'typebox'
import { json, route } from '#api/route.ts'
import type { Route } from '#api/route.ts'
import { anyOf } from '#api/schemas.ts'
import { clusterEvents, streamEvents } from './events.ts'

/** The stream of a service: `events` are those of its own. */
export function eventsRoute(events: readonly TSchema[]): Route {
  const all = anyOf([...Object.values(streamEvents), ...Object.values(clusterEvents), ...events])
  const { status, description } = json(200, 'One event after the other: its name is the `type`, its data is this.', all)
  return route({
    id: 'events',
    access: anyUnlimitedToken,
    method: 'GET',
    path: '/events',
    tag: 'Node',
    summary: 'What happens on this node, as it happens',
    description:
      'Server-sent events. A comment every few seconds shows that the stream is alive. A reader that is too slow is told how many events it missed, and one that stands still is let go.',
    answers: [{ status, description, content: { 'text/event-stream': all } }],
    streams: true,
  })
}
