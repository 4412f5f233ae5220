import { deepEqual, equal, ok } from 'node:assert/strict'
import type { ErrorCode } from '#api/errors.ts'
import { errorRegistry } from '#api/errors.ts'
import { secret } from './http-requests.ts'

/** What an answer must not say: a place in the file system, a line of a stack, a credential. */
const leaks: readonly RegExp[] = [
  /\/(?:tmp|home|usr|root|var|node_modules)\//,
  /node:internal/,
  /\.[tj]s:\d/,
  /\n\s+at /,
  new RegExp(secret),
]

export function saysNoSecret(answer: string): void {
  for (const leak of leaks) ok(!leak.test(answer), `says ${String(leak)}: ${answer.slice(0, 300)}`)
}

/** An error in the one shape, with a code of the registry and its status; and none that says that the node is at fault. */
export function judgeRefusal(status: number, text: string): ErrorCode {
  const body = JSON.parse(text) as { readonly error: { readonly code: ErrorCode; readonly message: string; readonly retryable: boolean } }
  deepEqual(Object.keys(body), ['error'])
  const { code, message, retryable } = body.error
  ok(Object.hasOwn(errorRegistry, code), `${code} is in the registry`)
  equal(errorRegistry[code].status, status, code)
  // A node may be starting, and say so.
  ok((status >= 400 && status < 500) || code === 'unavailable', `${status}: ${text}`)
  ok(message.length > 0 && message.length < 2_000, `a message of ${message.length} characters`)
  equal(typeof retryable, 'boolean')
  saysNoSecret(text)
  return code
}
