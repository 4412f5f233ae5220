import type { NodeApi } from '#api/common/node-api.ts'

/** What the service says of its node, and what is known of that node here. */
export const withWarnings = (api: NodeApi, warnings: () => readonly string[]): NodeApi => ({
  describe: () => api.describe(),
  notReadyBecause: () => api.notReadyBecause(),
  cluster() {
    const view = api.cluster()
    return { ...view, warnings: [...view.warnings, ...warnings()].slice(0, warningsMax) }
  },
  operators: api.operators,
  events: api.events,
})

const warningsMax = 64
