import { setTimeout as sleep } from 'node:timers/promises'
import { commonRoutes } from '#api/common/routes.ts'
import type { ErrorCode } from '#api/errors.ts'
import type { AnswerOf, RequestOf, Route } from '#api/route.ts'
import { err, ok } from '#base/result.ts'
import type { Result } from '#base/result.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { askNode } from './node-answer.ts'
import type { ServerEvent } from '#base/event-parser.ts'
import type { NodeAnswer, Refusal } from './node-answer.ts'
import { followNode } from './node-events.ts'
import { httpRequestOf } from './route-request.ts'
import type { Trust } from './trust.ts'

export interface Calling {
  /** Of the request: how long the service may wait on purpose before it answers. */
  readonly waitMs?: number
  /** Hangs up; the call then rejects with the reason. */
  readonly signal?: AbortSignal
  /** For all attempts, waits not counted; that of the client unless given. */
  readonly timeoutMs?: number
  /** The request bears an identity, so it may be sent again although the route does not say so. */
  readonly repeatable?: boolean
}

/** An answer as JSON and as its text. */
type Answered = Pick<Extract<NodeAnswer, { readonly type: 'answered' }>, 'body' | 'text'>

interface Following {
  readonly signal: AbortSignal
  readonly onEvent: (event: ServerEvent) => void
}

interface ServiceClientOptions {
  readonly urls: readonly string[]
  readonly timeoutMs: number
  readonly service?: Service
  /** Null where none is asked for. */
  readonly token?: string | null
  /** Of `https` URLs. */
  readonly trust?: Trust
}

export type Service = 'lock' | 'queue' | 'cache'

/**
 * Calls of the API to whichever node answers. One that does not, or that cannot serve now, is passed over for the next, round and round
 * until the time is over.
 */
export class ServiceClient {
  readonly urls: readonly string[]
  readonly timeoutMs: number
  readonly service: Service
  readonly token: string | null
  readonly trust: Trust
  /** Where the last answer came from. */
  #first = 0

  constructor({ urls, timeoutMs, service = 'lock', token = null, trust = {} }: ServiceClientOptions) {
    this.token = token
    this.trust = trust
    this.urls = urls
    this.service = service
    this.timeoutMs = timeoutMs
  }

  /** Of a member at that address: nodes of one cluster all speak HTTP, or all HTTPS. */
  urlAt(address: string): string {
    return `${this.urls[0]?.startsWith('https:') === true ? 'https' : 'http'}://${address}`
  }

  /**
   * Resolves with the answer, or with an error that no other node would answer differently; throws when no node answers. The request is
   * made anew for each attempt.
   */
  async call<R extends Route>(route: R, request: () => RequestOf<R>, calling: Calling = {}): Promise<Result<AnswerOf<R>, Refusal>> {
    const found = await this.callForText(route, request, calling)
    // The service wrote it by the schema that the type is made of.
    return found.ok ? ok(found.value.body as AnswerOf<R>) : found
  }

  /** The same, with the answer as the service wrote it: what is read into numbers may be rounded. */
  async callForText<R extends Route>(route: R, request: () => RequestOf<R>, calling: Calling = {}): Promise<Result<Answered, Refusal>> {
    const { waitMs = 0, signal, timeoutMs = this.timeoutMs, repeatable = route.repeatable } = calling
    const deadline = performance.now() + timeoutMs + waitMs
    const tried = new Map<string, string>()
    for (let round = 0; ; round++) {
      let nobody = true
      for (const url of this.#inOrder()) {
        if (isTooLate(deadline, tried.has(url))) throw unavailable(this.service, tried, timeoutMs)
        const answer = await this.#ask(url, httpRequestOf(route, request()), {
          limitMs: this.#limitMs(deadline, repeatable ? timeoutMs : Infinity) + waitMs,
          waitMs,
          signal: signal ?? null,
        })
        signal?.throwIfAborted()
        if (answer.type === 'answered' || (answer.type === 'refused' && !isOfNode(answer.refusal))) {
          this.#first = this.urls.indexOf(url)
          return answer.type === 'answered' ? ok(answer) : err(answer.refusal)
        }
        if (answer.type !== 'silent' || !answer.nobody) nobody = false
        tried.set(url, problemOf(answer))
        if (!repeatable && mayBeDone(answer)) throw doubtful(tried)
        if (performance.now() >= deadline) throw unavailable(this.service, tried, timeoutMs)
      }
      // Nothing that could come back is there.
      if (nobody || performance.now() >= deadline) throw unavailable(this.service, tried, timeoutMs)
      await sleep(Math.min(50 * 2 ** round, 500), undefined, signal === undefined ? {} : { signal })
    }
  }

  /**
   * Events of whichever node answers and, when its stream breaks, of the next. Rejects when none has a stream for as long as a call may take,
   * when it is refused, or with the reason of the signal.
   */
  async follow<R extends Route>(route: R, request: RequestOf<R>, { signal, onEvent }: Following): Promise<never> {
    let deadline = performance.now() + this.timeoutMs
    const tried = new Map<string, string>()
    for (let round = 0; ; round++) {
      let nobody = true
      for (const url of this.#inOrder()) {
        if (isTooLate(deadline, tried.has(url))) throw unavailable(this.service, tried, this.timeoutMs)
        let begun = false
        const end = await followNode(url, httpRequestOf(route, request), {
          token: this.token,
          limitMs: this.#limitMs(deadline, this.timeoutMs),
          signal,
          trust: this.trust,
          onEvent: (event) => {
            begun = true
            this.#first = this.urls.indexOf(url)
            onEvent(event)
          },
        })
        signal.throwIfAborted()
        if (end.type === 'refused' && !isOfNode(end.refusal)) throw refused(end.refusal)
        if (begun) {
          deadline = performance.now() + this.timeoutMs
          round = 0
          tried.clear()
        }
        if (begun || end.type !== 'silent' || !end.nobody) nobody = false
        tried.set(url, problemOf(end))
      }
      if (nobody || performance.now() >= deadline) throw unavailable(this.service, tried, this.timeoutMs)
      await sleep(Math.min(50 * 2 ** round, 500), undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }

  /** What one node answers, which may be anything. */
  async ask<R extends Route>(url: string, route: R, request: RequestOf<R>, limitMs: number): Promise<NodeAnswer> {
    return askNode(url, httpRequestOf(route, request), { limitMs, signal: null, token: this.token, trust: this.trust })
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
      const health = await askNode(url, httpRequestOf(commonRoutes.health, {}), { limitMs: limitMs - waitMs, signal, trust: this.trust })
      if (health.type === 'silent' || health.type === 'aborted') return health
    }
    return askNode(url, sent, { limitMs, signal, token: this.token, trust: this.trust })
  }
}

/** Another node may answer differently, or the same one in a moment. */
const ofNode: ReadonlySet<ErrorCode> = new Set(['no_leader', 'unavailable', 'not_ready', 'stopping', 'overloaded', 'unknown', 'disk_full'])
const isOfNode = ({ code }: Refusal): boolean => ofNode.has(code)

/** Whether somebody may have carried out what was asked. */
const mayBeDone = (answer: NodeAnswer): boolean =>
  answer.type === 'silent' ? !answer.nobody : answer.type !== 'refused' || answer.refusal.code === 'unknown'

function problemOf(answer: NodeAnswer): string {
  if (answer.type === 'silent') return answer.problem
  return answer.type === 'refused' ? `${answer.refusal.code}: ${answer.refusal.message}` : ''
}

const linesOf = (tried: ReadonlyMap<string, string>): readonly string[] => [...tried].map(([url, problem]) => `  ${url}  ${problem}`)

function doubtful(tried: ReadonlyMap<string, string>): CommandError {
  const lines = ['it may have been carried out or not:', ...linesOf(tried), 'look at what there is before you ask for it again']
  return new CommandError(exitCodes.unavailable, lines.join('\n'))
}

function unavailable(service: Service, tried: ReadonlyMap<string, string>, timeoutMs: number): CommandError {
  const fix = 'is the cluster up? name its nodes with --url, or start one on this machine with: lockstep up'
  return new CommandError(
    exitCodes.unavailable,
    [`no ${service} node could answer within ${timeoutMs} ms:`, ...linesOf(tried), fix].join('\n'),
  )
}

/** What an error of the service means to a script. */
export function refused({ code, message, retryable }: Refusal): CommandError {
  const exitCode = code === 'version_mismatch' ? exitCodes.mismatch : retryable ? exitCodes.busy : exitCodes.refused
  return new CommandError(exitCode, `${code}: ${message}`)
}

export function orRefused<T>(result: Result<T, Refusal>): T {
  if (!result.ok) throw refused(result.error)
  return result.value
}

/** What it said before says more than that it did not answer within the moment that is left. */
const isTooLate = (deadline: number, wasTried: boolean): boolean => wasTried && performance.now() > deadline - shortestTryMs
const shortestTryMs = 50
