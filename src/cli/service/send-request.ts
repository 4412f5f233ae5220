import { request as requestPlain } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as requestSecure } from 'node:https'
import type { Trust } from './trust.ts'

interface Sending {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | null
  readonly signal: AbortSignal
  readonly trust: Trust | undefined
}

/** Sends a request, and resolves when the answer begins. `fetch` cannot be told whose certificates to believe. */
export function sendRequest(url: string, { method, headers, body = null, signal, trust = {} }: Sending): Promise<IncomingMessage> {
  const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const options = { method, headers: { ...headers, ...length }, signal }
  return new Promise((resolve, reject) => {
    const sent = url.startsWith('https:') ? requestSecure(url, { ...options, ...trust }) : requestPlain(url, options)
    sent.on('error', reject)
    sent.on('response', resolve)
    sent.end(body)
  })
}
