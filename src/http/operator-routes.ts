import type { NodeApi } from '#api/common/node-api.ts'
import { faultOfTransfer } from '#api/common/operator-rules.ts'
import { operatorRoutes as routes } from '#api/common/operators.ts'
import { asking } from './asking.ts'
import type { BoundRoute } from './bound-route.ts'
import { bindCall } from './bound-route.ts'

/** The calls of those who look after a cluster. `node` gives null while it starts. */
export function operatorCalls(node: () => NodeApi | null): readonly BoundRoute[] {
  const ask = asking(() => node()?.operators ?? null)
  return [
    bindCall(routes.members, (request, call) => ask((operators) => operators.members(request, call))),
    bindCall(routes.leave, (request, call) => ask((operators) => operators.leave(request, call))),
    bindCall(routes.remove, (request, call) => ask((operators) => operators.remove(request, call))),
    bindCall(routes.transfer, (request, call) => ask((operators) => operators.transfer(request, call)), { rules: faultOfTransfer }),
    bindCall(routes.rebalance, (request, call) => ask((operators) => operators.rebalance(request, call))),
  ]
}
