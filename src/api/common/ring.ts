import { closed, count, integer, listOf, nullable } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { nodeId } from './words.ts'

/** How slots are spread over the nodes of a service that has many. */

const ringNode = closed(
  {
    node_id: nodeId,
    virtual_nodes: count({ description: 'Its points on the ring.' }),
    leads: count({ description: 'Slots.' }),
    holds: count({ description: 'Slots of which it has a replica, those that it leads included.' }),
  },
  { title: 'RingNode' },
)

const ringFields = {
  version: count({ description: 'Of the table of slots: grows with every change.' }),
  slot_count: integer(1, 65_536, { description: 'Fixed for the life of the cluster.' }),
  nodes: listOf(ringNode, { maxItems: 1_024 }),
}

/** For `GET /`. */
export const ringSummary = closed(ringFields, { title: 'RingSummary' })

const ringSlot = closed(
  {
    slot: integer(0, 65_535),
    owner: nullable({ ...nodeId, description: 'Its leader; null when none is known.' }),
    term: count(),
    replicas: listOf(nodeId, { maxItems: 16 }),
  },
  { title: 'RingSlot' },
)

export const ringView = closed({ ...ringFields, slots: listOf(ringSlot, { maxItems: 65_536 }) }, { title: 'RingView' })
export type RingView = Data<typeof ringView>
