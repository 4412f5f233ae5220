import { text as textOf } from 'node:stream/consumers'
import type { ErrorCode } from '#api/errors.ts'
import { tlsFault } from '#base/tls-faults.ts'
import type { HttpRequest } from './route-request.ts'
import { sendRequest } from './send-request.ts'
import type { Trust } from './trust.ts'

/** What became of one request at one node. */
export type NodeAnswer =
  | {
      readonly type: 'answered'
      readonly status: number
      readonly body: unknown
      readonly text: string
      readonly tookMs: number
      readonly date: string | null
    }
  | { readonly type: 'refused'; readonly status: number; readonly refusal: Refusal }
  /** `nobody`: it was not even sent. */
  | { readonly type: 'silent'; readonly problem: string; readonly nobody: boolean }
  | { readonly type: 'aborted' }

/** An error of the API, with the fields of its code. */
export interface Refusal {
  readonly code: ErrorCode
  readonly message: string
  readonly retryable: boolean
  readonly [detail: string]: unknown
}

export interface Asking {
  readonly limitMs: number
  readonly signal: AbortSignal | null
  /** Null where none is asked for. */
  readonly token?: string | null
  /** Of nodes with `https` URLs. */
  readonly trust?: Trust
}

/** Asks one node. `signal` is the caller's; it hangs up, and a wait leaves the queue. */
export async function askNode(
  url: string,
  { method, path, body, statuses }: HttpRequest,
  { limitMs, signal, token = null, trust }: Asking,
): Promise<NodeAnswer> {
  const startedAt = performance.now()
  const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(limitMs)))
  try {
    const response = await sendRequest(`${url}${path}`, {
      method,
      body,
      headers: { accept: 'application/json', ...credentials(token), ...(body === null ? {} : { 'content-type': 'application/json' }) },
      signal: signal === null ? deadline : AbortSignal.any([signal, deadline]),
      trust,
    })
    const text = await textOf(response)
    const { statusCode: status = 0 } = response
    const answer = parsed(text)
    const tookMs = performance.now() - startedAt
    if (statuses.includes(status) && answer !== null && refusalOf(answer) === null)
      return { type: 'answered', status, body: answer, text, tookMs, date: response.headers.date ?? null }
    return refusalOrSilence(text, status)
  } catch (error) {
    if (signal?.aborted === true) return { type: 'aborted' }
    if (deadline.aborted || codeOf(error) === 'TimeoutError')
      return { type: 'silent', problem: `no answer within ${Math.ceil(limitMs)} ms`, nobody: false }
    return silence(error)
  }
}

/** How a token is shown. */
export const credentials = (token: string | null): { readonly authorization?: string } =>
  token === null ? {} : { authorization: `Bearer ${token}` }

/** What a failure of the connection means. */
export function silence(error: unknown): NodeAnswer & { readonly type: 'silent' } {
  const code = codeOf(error)
  return { type: 'silent', problem: problems.get(code) ?? tlsFault(code) ?? code, nobody: unsent.has(code) }
}

/** Of an answer that is not what was asked for: an error of the API, or of nobody knows what. */
export function refusalOrSilence(text: string, status: number): NodeAnswer & { readonly type: 'refused' | 'silent' } {
  const refusal = refusalOf(parsed(text))
  if (refusal !== null) return { type: 'refused', status, refusal }
  return { type: 'silent', problem: `something else is there: it answered HTTP ${status}`, nobody: false }
}

const problems = new Map([
  ['ECONNREFUSED', 'connection refused: nothing listens there'],
  ['ECONNRESET', 'the connection broke'],
  ['ENOTFOUND', 'no such host is known'],
  ['EHOSTUNREACH', 'there is no way to that host'],
])
const unsent: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'EAI_AGAIN'])

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) throw error
  const cause = error.cause ?? error
  if (typeof cause === 'object' && 'code' in cause && typeof cause.code === 'string') return cause.code
  return error.name
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // No JSON: no node of this service answers so.
    return null
  }
}

function refusalOf(answer: unknown): Refusal | null {
  if (typeof answer !== 'object' || answer === null || !('error' in answer)) return null
  const { error } = answer
  const isRefusal = typeof error === 'object' && error !== null && 'code' in error && 'message' in error
  return isRefusal ? (error as Refusal) : null
}
