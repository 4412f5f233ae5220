import { Type } from '#api/type.ts'
import { ringView } from '#api/common/ring.ts'
import { nodeId } from '#api/common/words.ts'
import { closed, count, instant, integer, listOf, literal, nullable, oneOf, optional } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { cacheApiLimits as limits, cacheDefaults as defaults } from './limits.ts'
import { key, lineState, version } from './words.ts'

/** `GET /status`: the lines of this node, and its part in the cluster. */

export const statusQuery = closed({
  prefix: optional(Type.String({ maxLength: limits.keyBytesMax, description: 'Only keys that begin so.' })),
  after: optional({ ...key, description: 'Go on behind this key: `next` of the page before.' }),
  limit: optional(integer(1, limits.pageMax, { default: defaults.page, description: 'How many lines to list.' })),
})
export type StatusQuery = Data<typeof statusQuery>

const lineView = closed(
  {
    key,
    state: lineState,
    version,
    bytes: count({ description: 'Of the value; 0 for what is known to be absent.' }),
    present: Type.Boolean({ description: 'False: known to be absent.' }),
    dirty: Type.Boolean({ description: 'Written at the level `owner`, and not flushed yet.' }),
    usable: Type.Boolean({ description: 'Its lease lives, and its life is not over.' }),
  },
  { title: 'LineView' },
)

export const stateCounts = closed({ M: count(), E: count(), S: count(), I: count({ description: 'Always 0: such a line is not kept.' }) })

const capacity = closed(
  { lines: count(), lines_max: count(), bytes: count(), bytes_max: count() },
  { title: 'CacheCapacity', description: 'Of the lines of this node; bytes with what a line costs beside its value.' },
)

const homeView = closed(
  {
    slots: count({ description: 'Whose home is this node.' }),
    open: count({ description: 'Of these, those that have heard of everybody who had lines before.' }),
    agents: count({ description: 'Sessions of agents, over all of them.' }),
    keys: count({ description: 'That somebody has.' }),
    values: count({ description: 'In memory, in the slots of this node.' }),
    value_bytes: count(),
    value_bytes_max: count({ description: 'Beyond that values are evicted, or no more are taken.' }),
  },
  { title: 'CacheHomes' },
)

const lostSlot = closed(
  {
    slot: integer(0, limits.slotsMax),
    times: integer(1, Number.MAX_SAFE_INTEGER),
    last_at: instant(),
  },
  { title: 'LostSlot' },
)
export type LostSlot = Data<typeof lostSlot>

export const cacheStatus = closed(
  {
    service: literal('cache'),
    node_id: nodeId,
    cluster_id: nullable(Type.String()),
    agent_id: Type.String({ description: 'The agent of this process; another one after each start.' }),
    capacity,
    states: stateCounts,
    homes: homeView,
    store: oneOf(['disk', 'memory'], { description: 'Where this node keeps its slots; what is in `memory` ends with the node.' }),
    slots_lost: listOf(lostSlot, {
      maxItems: limits.slotsMax,
      description: 'Slots that lost most of their replicas in memory at one time, and began anew, empty.',
    }),
    ring: ringView,
    lines: listOf(lineView, { maxItems: limits.pageMax, description: 'In the order of their keys.' }),
    next: nullable({ ...key, description: 'Give it as `after` for the next page; null: this is the last one.' }),
  },
  { title: 'CacheStatus' },
)
export type CacheStatus = Data<typeof cacheStatus>
export type LineView = Data<typeof lineView>
