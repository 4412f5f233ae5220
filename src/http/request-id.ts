import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** Ids of requests: what the client says in `x-request-id` if that is fit to be logged, else a new one. */
export function requestIds(): (request: { readonly headers: IncomingHttpHeaders }) => string {
  const process = randomBytes(6).toString('hex')
  let number = 0
  return ({ headers }) => {
    const { 'x-request-id': given } = headers
    if (typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given)) return given
    number++
    return `${process}-${number.toString(36)}`
  }
}
