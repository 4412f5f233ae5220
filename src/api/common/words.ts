import { Type } from '#api/type.ts'
import { count, nullable, oneOf } from '#api/schemas.ts'

/** What answers of all services share. */

export const nodeId = Type.String({ description: 'The name of a node.', examples: ['lock-node-1'] })

export const memberState = oneOf(['joining', 'active', 'leaving', 'dead'], {
  description: '`joining`: holds nothing yet; `leaving`: its replicas move away; `dead`: silent for too long, it may come back.',
})

export const role = oneOf(['leader', 'follower', 'pre-candidate', 'candidate', 'halted', 'none'], {
  description: '`none`: this node has no replica; `halted`: it had to stop taking part.',
})

/** Where an answer comes from, in a service with one slot. */
export const standing = {
  node_id: nodeId,
  role,
  leader: nullable(nodeId),
  term: count({ description: 'Grows with every election.' }),
}

export const engine = oneOf(['embedded', 'redis', 'memory'], {
  description: 'What keeps the logs: nodes among themselves, Redis, or nothing.',
})

export const consistency = oneOf(['linearizable', 'local'], {
  default: 'linearizable',
  description: '`linearizable` sees all that was answered before; `local` is what this node knows, which may be old.',
})
