import { text as textOf } from 'node:stream/consumers'
import { EventParser } from '#base/event-parser.ts'
import type { ServerEvent } from '#base/event-parser.ts'
import { credentials, refusalOrSilence, silence } from './node-answer.ts'
import type { NodeAnswer } from './node-answer.ts'
import type { HttpRequest } from './route-request.ts'
import { sendRequest } from './send-request.ts'
import type { Trust } from './trust.ts'

/** A node says at least every ten seconds that it is alive. */
const silenceMs = 25_000

interface Following {
  /** For the answer to begin. */
  readonly limitMs: number
  readonly signal: AbortSignal
  readonly token: string | null
  readonly onEvent: (event: ServerEvent) => void
  readonly trust?: Trust
}

/** Tells the events of one node as they come, until its stream ends; resolves with why it did. */
export async function followNode(
  url: string,
  { method, path }: HttpRequest,
  { limitMs, signal, token, onEvent, trust }: Following,
): Promise<Exclude<NodeAnswer, { readonly type: 'answered' }>> {
  const dead = new AbortController()
  let watchdog = setTimeout(() => dead.abort(), Math.max(1, limitMs))
  try {
    const response = await sendRequest(`${url}${path}`, {
      method,
      headers: { accept: 'text/event-stream', ...credentials(token) },
      signal: AbortSignal.any([signal, dead.signal]),
      trust,
    })
    const { statusCode: status = 0, headers } = response
    const isStream = status === 200 && headers['content-type']?.startsWith('text/event-stream') === true
    if (!isStream) return refusalOrSilence(await textOf(response), status)
    const decoder = new TextDecoder()
    const parser = new EventParser()
    for await (const bytes of response) {
      clearTimeout(watchdog)
      watchdog = setTimeout(() => dead.abort(), silenceMs)
      for (const event of parser.push(decoder.decode(bytes as Uint8Array, { stream: true }))) onEvent(event)
    }
    return { type: 'silent', problem: 'its stream ended', nobody: false }
  } catch (error) {
    if (signal.aborted) return { type: 'aborted' }
    return dead.signal.aborted ? { type: 'silent', problem: 'it says nothing', nobody: false } : silence(error)
  } finally {
    clearTimeout(watchdog)
  }
}
