import { setTimeout as sleep } from 'node:timers/promises'
import { commonRoutes } from '#api/common/routes.ts'
import { askNode } from '#cli/service/node-answer.ts'
import { httpRequestOf } from '#cli/service/route-request.ts'
import type { Trust } from '#cli/service/trust.ts'

const everyMs = 50
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

/** Resolves once each has answered anything, or `withinMs` are over. */
export async function allAnswer(
  urls: readonly string[],
  { withinMs, trust = {} }: { readonly withinMs: number; readonly trust?: Trust },
): Promise<void> {
  const until = performance.now() + withinMs
  let silent = urls
  while (silent.length > 0 && performance.now() < until) {
    const answers = await Promise.all(silent.map((url) => askReady(url, trust)))
    silent = silent.filter((_, at) => answers[at]?.type === 'silent')
    if (silent.length > 0) await sleep(everyMs)
  }
}

const askReady = (url: string, trust: Trust): ReturnType<typeof askNode> =>
  askNode(url, httpRequestOf(commonRoutes.ready, {}), { limitMs, signal: null, trust })

async function notReadyBecause(url: string, trust: Trust): Promise<string | null> {
  const answer = await askReady(url, trust)
  if (answer.type === 'answered') return null
  if (answer.type === 'refused') return answer.refusal.message
  return answer.type === 'silent' ? answer.problem : ''
}
