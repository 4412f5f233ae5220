import { setTimeout as sleep } from 'node:timers/promises'
import { commonRoutes } from '#api/common/routes.ts'
import { askNode } from '#cli/service/node-answer.ts'
import { httpRequestOf } from '#cli/service/route-request.ts'
import type { Trust } from '#cli/service/trust.ts'

const everyMs = 100
const limitMs = 1_000
/** How often to say what is still missing. */
const patienceMs = 5_000

interface Watching {
  readonly signal: AbortSignal
  /** Of `https` URLs. */
  readonly trust?: Trust
  /** Told every few seconds: the urls that cannot serve yet, each with the reason. */
  readonly stillWaiting: (missing: readonly (readonly [url: string, why: string])[]) => void
}

/** Resolves once all can serve that are expected by then; true unless it was aborted before. */
export async function allReady(expected: () => readonly string[], { signal, trust = {}, stillWaiting }: Watching): Promise<boolean> {
  let toldAt = performance.now()
  while (!signal.aborted) {
    const reasons = await Promise.all(expected().map(async (url) => [url, await notReadyBecause(url, trust)] as const))
    const missing = reasons.flatMap(([url, why]) => (why === null ? [] : [[url, why] as const]))
    if (missing.length === 0) return true
    if (performance.now() - toldAt > patienceMs) {
      toldAt = performance.now()
      stillWaiting(missing)
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {})
  }
  return false
}

async function notReadyBecause(url: string, trust: Trust): Promise<string | null> {
  const answer = await askNode(url, httpRequestOf(commonRoutes.ready, {}), { limitMs, signal: null, trust })
  if (answer.type === 'answered') return null
  if (answer.type === 'refused') return answer.refusal.message
  return answer.type === 'silent' ? answer.problem : ''
}
