import { unreachable } from '#base/assert.ts'
import type { Fault } from '#api/errors.ts'
import { decodeCommand } from '#core/lock/command-codec.ts'
import type { Caller, Demand } from '#core/access/types.ts'
import type { LockCommand } from '#core/lock/types.ts'
import type { AccessControl } from '#services/access/access-control.ts'
import type { Admitted } from '#services/access/guarded-clients.ts'
import type { ClientMessage, ServerMessage } from '#wire/client-message.ts'

/** What the messages of clients need, as the calls of the API do. To keep sessions alive is never too often: it costs locks when it fails. */
export function admitLockMessage(message: ClientMessage, caller: Caller, control: AccessControl): Admitted<ClientMessage, ServerMessage> {
  const fault = (message.type === 'keep-alive' ? null : control.limit(caller)) ?? control.deny(caller, [demandOf(message, caller)])
  if (fault !== null) return refused(message, fault)
  if (message.type !== 'query' || message.query.type !== 'locks') return { type: 'passed', message }
  const narrowed = control.narrow(caller, null, message.query.prefix)
  if (!narrowed.ok) return refused(message, narrowed.error)
  return { type: 'passed', message: { ...message, query: { ...message.query, prefix: narrowed.value } } }
}

const refused = ({ call }: ClientMessage, fault: Fault<'forbidden' | 'rate_limited'>): Admitted<ClientMessage, ServerMessage> => ({
  type: 'refused',
  fault,
  answer: { type: 'failed', call, code: fault.code, message: fault.message },
  action: null,
})

function demandOf(message: ClientMessage, { token }: Caller): Demand {
  switch (message.type) {
    case 'keep-alive':
      return { role: 'lock', names: [] }
    case 'command': {
      // To read what it names costs more than all else that is done here.
      const isLimited = token !== null && token.prefixes.length > 0
      return { role: 'lock', names: isLimited ? namesIn(message.command) : [] }
    }
    case 'query': {
      const { query } = message
      if (query.type === 'locks') return { role: null, names: [] }
      return { role: null, names: query.type === 'deadlocks' ? 'all' : [query.resource] }
    }
    default:
      return unreachable(message)
  }
}

/** What is no command names nothing, and is refused as that. */
function namesIn(bytes: Uint8Array): readonly string[] {
  const decoded = decodeCommand(bytes)
  return decoded.ok ? namesOf(decoded.value) : []
}

function namesOf(command: LockCommand): readonly string[] {
  switch (command.type) {
    case 'acquire':
      return command.items.map(({ resource }) => resource)
    case 'release':
    case 'downgrade':
      return [command.resource]
    default:
      // What clients may send besides is about their sessions.
      return []
  }
}
