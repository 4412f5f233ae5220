import type { ErrorCode } from '#api/errors.ts'
import type { HttpRequest } from './route-request.ts'

/** What became of one request at one node. */
export type NodeAnswer =
  | { readonly type: 'answered'; readonly body: unknown; readonly tookMs: number; readonly date: string | null }
  | { readonly type: 'refused'; readonly refusal: Refusal }
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

/** Asks one node. `signal` is the caller's; it hangs up, and a wait leaves the queue. */
export async function askNode(
  url: string,
  { method, path, body }: HttpRequest,
  { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal | null },
): Promise<NodeAnswer> {
  const startedAt = performance.now()
  const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(limitMs)))
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      body,
      headers: { accept: 'application/json', ...(body === null ? {} : { 'content-type': 'application/json' }) },
      signal: signal === null ? deadline : AbortSignal.any([signal, deadline]),
      redirect: 'manual',
    })
    const answer = parsed(await response.text())
    const tookMs = performance.now() - startedAt
    if (response.ok && answer !== null) return { type: 'answered', body: answer, tookMs, date: response.headers.get('date') }
    const refusal = refusalOf(answer)
    if (refusal !== null) return { type: 'refused', refusal }
    return { type: 'silent', problem: `something else is there: it answered HTTP ${response.status}`, nobody: false }
  } catch (error) {
    if (signal?.aborted === true) return { type: 'aborted' }
    const code = codeOf(error)
    if (deadline.aborted || code === 'TimeoutError')
      return { type: 'silent', problem: `no answer within ${Math.ceil(limitMs)} ms`, nobody: false }
    return { type: 'silent', problem: problems.get(code) ?? code, nobody: unsent.has(code) }
  }
}

const problems = new Map([
  ['ECONNREFUSED', 'connection refused: nothing listens there'],
  ['ECONNRESET', 'the connection broke'],
  ['UND_ERR_SOCKET', 'the connection broke'],
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
