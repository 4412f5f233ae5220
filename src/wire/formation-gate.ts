import type { PeerMessage } from './peer-message.ts'

/** What may pass while one end does not belong to a cluster yet: enough to find out, to form one and to join one (decision R3). */
export function passesUnformed(message: PeerMessage): boolean {
  switch (message.type) {
    case 'request':
      return unformedRequests.has(message.request.type)
    case 'response':
      return unformedResponses.has(message.response.type)
    default:
      return false
  }
}

const unformedRequests: ReadonlySet<string> = new Set(['hello', 'form', 'join'])
const unformedResponses: ReadonlySet<string> = new Set(['hello', 'done', 'joined', 'refused'])
