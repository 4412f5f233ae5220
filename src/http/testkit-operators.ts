import { ok } from '#base/result.ts'
import type { OperatorApi } from '#api/common/operators.ts'

const member = { address: '127.0.0.1:8001', incarnation: '1', voter: true, replicas: 2, leads: 1, machine_version: 1 } as const
const since = '2026-01-31T12:00:00.000Z'

/** Says yes to everything. */
export const agreeableOperators: OperatorApi = {
  members: async () =>
    ok({
      node_id: 'lock-node-1',
      cluster_id: 'c',
      constants: { revision: 1, heartbeat_ms: 100, election_min_ms: 500, election_max_ms: 1_000, lease_ms: 450 },
      dead_after_ms: 60_000,
      members: [
        { node_id: 'lock-node-1', state: 'active', since, silent_ms: 0, ...member },
        { node_id: 'lock-node-2', state: 'dead', since: null, silent_ms: null, ...member },
      ],
      moves: [{ slot: 1, from: 'lock-node-2', to: null, step: 'switch' }],
      moves_left: 1,
      pinned_slots: [1],
    }),
  leave: async ({ node_id: id = 'lock-node-1' }) => ok({ status: 'leaving', node_id: id, replicas: 2 }),
  remove: async ({ node_id: id }) => ok({ status: 'removed', node_id: id }),
  transfer: async ({ slot = 1, to = 'lock-node-2' }) => ok({ status: 'transferring', leaders: [{ slot, from: null, to }], skipped: [] }),
  rebalance: async () => ok({ status: 'rebalancing', slots: [] }),
}
