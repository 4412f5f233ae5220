import type { IncomingHttpHeaders } from 'node:http'
import { queueApiLimits } from '#api/queues/limits.ts'
import type { ProducedMessage } from '#api/queues/produce.ts'

/** The W3C trace context that a request belongs to, as its header says; null when it says none, or nothing that is one. */
export function traceOf({ traceparent }: IncomingHttpHeaders): string | null {
  if (typeof traceparent !== 'string') return null
  const [, version, trace, parent] = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}$/.exec(traceparent) ?? []
  return version === undefined || version === 'ff' || isZero(trace) || isZero(parent) ? null : traceparent
}

const isZero = (digits = ''): boolean => /^0+$/.test(digits)

/** With the trace of the request that brings it, so that whoever consumes it can go on with that; one that has its own keeps it. */
export function traced(message: ProducedMessage, trace: string | null): ProducedMessage {
  const { headers = {}, message_id: ownId } = message
  const count = Object.keys(headers).length + (ownId === undefined ? 0 : 1)
  if (trace === null || 'traceparent' in headers || count >= queueApiLimits.headersMax) return message
  return { ...message, headers: { ...headers, traceparent: trace } }
}
