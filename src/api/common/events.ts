import { Type } from '#api/type.ts'
import { closed, count, instant, integer, literal, nullable } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { nodeId } from './words.ts'

/** What happens on a node, as `GET /events` tells it. Events are for eyes: some may be missed, so read the state from the other calls. */
export interface EventFeed {
  /** Calls `listener` for each event from now on, until what is returned is called. A listener must be quick and must not throw. */
  subscribe(listener: (event: NodeEvent) => void): () => void
}

/** Fields of every event. */
export const stamp = { at: instant() } as const

export const clusterEvents = {
  leaderChanged: closed(
    { type: literal('leader-changed'), ...stamp, slot: integer(0, 65_535), leader: nullable(nodeId), term: count() },
    { title: 'LeaderChanged' },
  ),
  memberChanged: closed(
    { type: literal('member-changed'), ...stamp, node_id: nodeId, state: Type.String({ examples: ['active', 'dead', 'removed'] }) },
    { title: 'MemberChanged' },
  ),
} as const

/** Any event of any service: a type in kebab-case, the instant, and the fields of the type. */
export interface NodeEvent {
  readonly type: string
  readonly at: string
}

export type ClusterEvent = Data<(typeof clusterEvents)[keyof typeof clusterEvents]>

/** What the stream itself says. */
export const streamEvents = {
  hello: closed({ type: literal('hello'), ...stamp, node_id: nodeId }, { title: 'StreamHello', description: 'The first of every stream.' }),
  missed: closed(
    { type: literal('missed'), ...stamp, count: count() },
    { title: 'StreamMissed', description: 'The reader was too slow; so many events were left out here.' },
  ),
} as const

export type StreamEvent = Data<(typeof streamEvents)[keyof typeof streamEvents]>
