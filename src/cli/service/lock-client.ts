import { setTimeout as sleep } from 'node:timers/promises'
import { commonRoutes } from '#api/common/routes.ts'
import type { ErrorCode } from '#api/errors.ts'
import type { AnswerOf, RequestOf, Route } from '#api/route.ts'
import { err, ok } from '#base/result.ts'
import type { Result } from '#base/result.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { askNode } from './node-answer.ts'
import type { NodeAnswer, Refusal } from './node-answer.ts'
import { httpRequestOf } from './route-request.ts'

export interface Calling {
  /** Of the request: how long the service may wait on purpose before it answers. */
  readonly waitMs?: number
  /** Hangs up; the call then rejects with the reason. */
  readonly signal?: AbortSignal
  /** For all attempts, waits not counted; that of the client unless given. */
  readonly timeoutMs?: number
}

/**
 * Calls of the API to whichever node answers. One that does not, or that cannot serve now, is passed over for the next, round and round
 * until the time is over.
 */
export class LockClient {
  readonly urls: readonly string[]
  readonly timeoutMs: number
  /** Where the last answer came from. */
  #first = 0

  constructor({ urls, timeoutMs }: { readonly urls: readonly string[]; readonly timeoutMs: number }) {
    this.urls = urls
    this.timeoutMs = timeoutMs
  }

  /**
   * Resolves with the answer, or with an error that no other node would answer differently; throws when no node answers. The request is
   * made anew for each attempt.
   */
  async call<R extends Route>(route: R, request: () => RequestOf<R>, calling: Calling = {}): Promise<Result<AnswerOf<R>, Refusal>> {
    const { waitMs = 0, signal, timeoutMs = this.timeoutMs } = calling
    const deadline = performance.now() + timeoutMs + waitMs
    const tried = new Map<string, string>()
    for (let round = 0; ; round++) {
      let nobody = true
      for (const url of this.#inOrder()) {
        const answer = await this.#ask(url, httpRequestOf(route, request()), {
          limitMs: this.#limitMs(deadline, timeoutMs) + waitMs,
          waitMs,
          signal: signal ?? null,
        })
        signal?.throwIfAborted()
        if (answer.type === 'answered' || (answer.type === 'refused' && !isOfNode(answer.refusal))) {
          this.#first = this.urls.indexOf(url)
          // The service wrote it by the schema that the type is made of.
          return answer.type === 'answered' ? ok(answer.body as AnswerOf<R>) : err(answer.refusal)
        }
        if (answer.type !== 'silent' || !answer.nobody) nobody = false
        tried.set(url, problemOf(answer))
        const isSafe = route.repeatable || (answer.type === 'silent' && answer.nobody)
        if (!isSafe || performance.now() >= deadline) throw unavailable(tried, timeoutMs)
      }
      // Nothing that could come back is there.
      if (nobody || performance.now() >= deadline) throw unavailable(tried, timeoutMs)
      await sleep(Math.min(50 * 2 ** round, 500), undefined, signal === undefined ? {} : { signal })
    }
  }

  /** What one node answers, which may be anything. */
  async ask<R extends Route>(url: string, route: R, request: RequestOf<R>, limitMs: number): Promise<NodeAnswer> {
    return askNode(url, httpRequestOf(route, request), { limitMs, signal: null })
  }

  #inOrder(): readonly string[] {
    return [...this.urls.slice(this.#first), ...this.urls.slice(0, this.#first)]
  }

  /** A node that hangs must leave time for the others. */
  #limitMs(deadline: number, timeoutMs: number): number {
    return Math.max(1, Math.min(deadline - performance.now(), Math.max(1_000, timeoutMs / this.urls.length)))
  }

  async #ask(
    url: string,
    sent: ReturnType<typeof httpRequestOf>,
    { waitMs, limitMs, signal }: { readonly waitMs: number; readonly limitMs: number; readonly signal: AbortSignal | null },
  ): Promise<NodeAnswer> {
    if (waitMs > 0) {
      // A long silence is what a wait looks like, so whether anybody is there has to be found out first.
      const health = await askNode(url, httpRequestOf(commonRoutes.health, {}), { limitMs: limitMs - waitMs, signal })
      if (health.type === 'silent' || health.type === 'aborted') return health
    }
    return askNode(url, sent, { limitMs, signal })
  }
}

/** Another node may answer differently, or the same one in a moment. */
const ofNode: ReadonlySet<ErrorCode> = new Set(['no_leader', 'unavailable', 'not_ready', 'stopping', 'overloaded', 'unknown', 'disk_full'])
const isOfNode = ({ code }: Refusal): boolean => ofNode.has(code)

function problemOf(answer: NodeAnswer): string {
  if (answer.type === 'silent') return answer.problem
  return answer.type === 'refused' ? `${answer.refusal.code}: ${answer.refusal.message}` : ''
}

function unavailable(tried: ReadonlyMap<string, string>, timeoutMs: number): CommandError {
  const lines = [...tried].map(([url, problem]) => `  ${url}  ${problem}`)
  const fix = 'is the cluster up? name its nodes with --url, or start one on this machine with: lockstep up'
  return new CommandError(exitCodes.unavailable, [`no lock node could answer within ${timeoutMs} ms:`, ...lines, fix].join('\n'))
}

/** What an error of the service means to a script. */
export function refused({ code, message, retryable }: Refusal): CommandError {
  return new CommandError(retryable ? exitCodes.busy : exitCodes.refused, `${code}: ${message}`)
}

export function orRefused<T>(result: Result<T, Refusal>): T {
  if (!result.ok) throw refused(result.error)
  return result.value
}
