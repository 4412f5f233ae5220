import type { Checked } from '#api/locks/hold.ts'
import type { DeadlocksView, LockDetail, LocksView } from '#api/locks/views.ts'
import type { SessionId } from '#core/lock/types.ts'
import type { Standing } from '#services/common/service-node.ts'

/** What may be asked of the state of the locks. */
export type LockQuestion =
  | { readonly type: 'locks'; readonly prefix: string; readonly after: string | null; readonly limit: number }
  | { readonly type: 'lock'; readonly resource: string }
  | { readonly type: 'deadlocks' }
  | { readonly type: 'check'; readonly resource: string; readonly token: number }
  | { readonly type: 'session'; readonly session: SessionId }

/** The answer to each, without what only the node that answers can say. */
export interface LockViews {
  readonly locks: Pick<LocksView, 'locks' | 'next'>
  readonly lock: Omit<LockDetail, keyof Standing>
  readonly deadlocks: Omit<DeadlocksView, keyof Standing>
  readonly check: Checked
  readonly session: { readonly open: boolean }
}

export type LockView = LockViews[keyof LockViews]
