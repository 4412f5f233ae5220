import { unreachable } from '#base/assert.ts'
import type { Fault } from '#api/errors.ts'
import { covers, hasRole } from '#core/access/grants.ts'
import type { Caller, Demand, Token } from '#core/access/types.ts'
import type { RequestBody, ToHome } from '#core/cache/messages.ts'
import type { Key } from '#core/cache/types.ts'
import type { AccessControl } from '#services/access/access-control.ts'
import type { Admitted } from '#services/access/guarded-clients.ts'
import type { BusMessage } from '#wire/cache-bus.ts'
import { decodeBus, encodeBus } from '#wire/cache-bus.ts'
import type { CacheClientMessage, CacheServerMessage } from '#wire/cache-client-message.ts'

/**
 * What the messages of agents need. An agent is given values, so it needs the role to read, and that to write besides for what it changes. The library knows what its token
 * allows, and does not ask for what it would be refused: a message that is refused here is as if it had got lost. But what others wait for is passed
 * on, without what the agent may not write.
 */
export function admitCacheMessage(
  message: CacheClientMessage,
  caller: Caller,
  control: AccessControl,
): Admitted<CacheClientMessage, CacheServerMessage> {
  switch (message.type) {
    case 'enter': {
      const fault = control.deny(caller, [{ role: 'cache-read', names: [] }])
      return fault === null ? { type: 'passed', message } : lost(fault)
    }
    case 'clear': {
      const fault = control.limit(caller) ?? control.deny(caller, [readable, { role: 'cache-write', names: [message.namespace] }])
      if (fault === null) return { type: 'passed', message }
      const answer = { type: 'failed', call: message.call, code: fault.code, message: fault.message } as const
      return { type: 'refused', fault, answer, action: { id: 'clear', names: [message.namespace] } }
    }
    case 'bus':
      return admitBus(message, caller, control)
    default:
      return unreachable(message)
  }
}

const readable: Demand = { role: 'cache-read', names: [] }

const lost = (fault: Fault<'forbidden' | 'rate_limited'>): Admitted<CacheClientMessage, CacheServerMessage> => ({
  type: 'refused',
  fault,
  answer: null,
  action: null,
})

type Bus = Extract<CacheClientMessage, { readonly type: 'bus' }>

/** What cannot be read is nothing that could be refused; the connection ends for it. */
function admitBus(message: Bus, caller: Caller, control: AccessControl): Admitted<CacheClientMessage, CacheServerMessage> {
  const { token } = caller
  if (!control.isLimited && (token === null || mayDoAll(token))) return { type: 'passed', message }
  const decoded = decodeBus(message.content)
  const [first] = decoded.ok ? decoded.value : []
  if (first?.type !== 'to-home') return { type: 'passed', message }
  const said = first.message
  const fault =
    said.type === 'request'
      ? (control.limit(caller) ?? control.deny(caller, demandsOf(said.key, said.body)))
      : control.deny(caller, [readable])
  if (fault !== null) return lost(fault)
  const rest = token === null ? said : withoutForbidden(said, token)
  return {
    type: 'passed',
    message: rest === said ? message : { ...message, content: encodeBus([{ ...first, message: rest } satisfies BusMessage]) },
  }
}

const mayDoAll = (token: Token): boolean => token.prefixes.length === 0 && hasRole(token, 'cache-read') && hasRole(token, 'cache-write')

const mayWrite = (token: Token, key: Key): boolean => hasRole(token, 'cache-write') && covers(token, key)

/** What was written before the token was changed is lost. */
function withoutForbidden(said: ToHome, token: Token): ToHome {
  if (said.type === 'arrive') return { ...said, pushes: said.pushes.filter(({ key }) => mayWrite(token, key)) }
  return said.type === 'snooped' && said.dirty !== null && !mayWrite(token, said.key) ? { ...said, dirty: null } : said
}

function demandsOf(key: Key, body: RequestBody): readonly Demand[] {
  const read: Demand = { role: 'cache-read', names: [key] }
  return body.type === 'write' || body.type === 'flush' ? [read, { role: 'cache-write', names: [key] }] : [read]
}
