import type { ErrorBody } from '#api/errors.ts'
import { EventParser } from '#base/event-parser.ts'
import type { ServerEvent } from '#base/event-parser.ts'

/** How a call of a node ended. `silent`: nobody answered, or nothing that could be read. */
export type Answer<Body> =
  | { readonly type: 'answered'; readonly body: Body }
  | { readonly type: 'refused'; readonly code: string; readonly message: string }
  | { readonly type: 'locked' }
  | { readonly type: 'silent' }

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly body?: unknown
  readonly limitMs?: number
}

const answerMs = 4_000
/** What the browser sends by itself to the node that served the page is good for looking only, and other nodes do not get it: all ask for the token of the tab. */
const alone = { cache: 'no-store', credentials: 'omit' } as const
/** A stream says something every 10 s. */
const streamSilenceMs = 25_000

/** Calls nodes by `host:port`, with the token of this tab if there is one. */
export class NodeClient {
  #token = sessionStorage.getItem('lockstep-token')

  get hasToken(): boolean {
    return this.#token !== null
  }

  /** For this tab, until it is closed. */
  useToken(token: string): void {
    this.#token = token
    sessionStorage.setItem('lockstep-token', token)
  }

  /** The body is what the API says that this call answers. */
  async ask<Body>(address: string, path: string, { method = 'GET', body, limitMs = answerMs }: Asked = {}): Promise<Answer<Body>> {
    try {
      const response = await fetch(`${location.protocol}//${address}${path}`, {
        ...alone,
        method,
        headers: { accept: 'application/json', ...this.#headers(), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(limitMs),
      })
      if (response.status === 401) return { type: 'locked' }
      const said: unknown = await response.json()
      if (response.ok || !isRefusal(said)) return { type: 'answered', body: said as Body }
      return { type: 'refused', code: said.error.code, message: said.error.message }
    } catch {
      // Refused, cut off, too late: a browser does not tell these apart.
      return { type: 'silent' }
    }
  }

  /** The events of a stream, until it ends, however it ends. */
  async *events(address: string, path: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const quiet = new AbortController()
    let timer = setTimeout(() => quiet.abort(), streamSilenceMs)
    try {
      const response = await fetch(`${location.protocol}//${address}${path}`, {
        ...alone,
        headers: { accept: 'text/event-stream', ...this.#headers() },
        signal: AbortSignal.any([signal, quiet.signal]),
      })
      if (!response.ok || response.body === null) return
      const parser = new EventParser()
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        clearTimeout(timer)
        timer = setTimeout(() => quiet.abort(), streamSilenceMs)
        yield* parser.push(piece.value)
      }
    } catch {
      // It broke off, which is one way to end.
    } finally {
      clearTimeout(timer)
      quiet.abort()
    }
  }

  #headers(): Readonly<Record<string, string>> {
    return this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }
  }
}

function isRefusal(said: unknown): said is ErrorBody {
  return typeof said === 'object' && said !== null && 'error' in said
}
