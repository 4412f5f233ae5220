import { randomUUID } from 'node:crypto'
import type { NodeApi } from '#api/common/node-api.ts'
import type { Cancel, Clock } from '#ports/clock.ts'

export interface Leaving {
  /** Null while the node starts. */
  readonly node: () => NodeApi | null
  readonly clock: Clock
  /** Told to stop. */
  readonly asked: AbortSignal
  /** How long it may take to leave. */
  readonly limitMs: number
}

/** How soon it asks again where a cluster has no leader. */
const againMs = 500
/** What asking again does not change. */
const final: ReadonlySet<string> = new Set(['last_member', 'unknown_member', 'member_dead', 'unsupported'])

/**
 * A node that is told to stop asks its cluster to let it leave, and goes on serving until that has let it go, which ends it, or until the time is over.
 * The signal says when it has to stop all the same: at once when there is nobody to hand over to.
 */
export function leaveFirst({ node, clock, asked, limitMs }: Leaving): AbortSignal {
  const stop = new AbortController()
  let cancelNext: Cancel = () => {}
  const ask = async (): Promise<void> => {
    const api = node()
    if (api === null || api.describe().cluster_id === null) return stop.abort()
    const call = { requestId: randomUUID(), remoteAddress: 'told to stop', caller: null, signal: stop.signal }
    const answer = await api.operators.leave({}, call)
    if (answer.ok || stop.signal.aborted) return
    if (final.has(answer.error.code)) stop.abort()
    else cancelNext = clock.after(againMs, () => void ask())
  }
  const begin = (): void => {
    clock.after(limitMs, () => {
      cancelNext()
      stop.abort()
    })
    void ask()
  }
  if (asked.aborted) begin()
  else asked.addEventListener('abort', begin, { once: true })
  return stop.signal
}
