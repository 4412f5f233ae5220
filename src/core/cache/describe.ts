import type { MemoryCommand } from './commands.ts'
import type { Dirty, ReplyBody, RequestBody, ToAgent, ToHome } from './messages.ts'
import type { Change, Copy, Outcome, Value, Version } from './types.ts'

/** Messages and commands as people read them, one line each. */

const decoder = new TextDecoder()

export const textOf = (value: Value | null): string => (value === null ? 'absent' : decoder.decode(value.bytes))

export const describeVersion = ({ term, grant, sequence }: Version): string => `${term}.${grant}.${sequence}`

const describeCopy = ({ value, version }: Copy): string => `${textOf(value)} (${describeVersion(version)})`

const describeDirty = ({ grant, sequence, value }: Dirty): string => `${textOf(value)} (grant ${grant}, ${sequence})`

export function describeChange(change: Change): string {
  if (change.type === 'add') return `add ${change.by}`
  const when = change.condition.type === 'none' ? '' : ` if ${change.condition.type}`
  return change.type === 'set' ? `set ${textOf(change.value)}${when}` : `delete${when}`
}

export function describeToHome(message: ToHome): string {
  switch (message.type) {
    case 'open':
      return `open nonce=${message.nonce}`
    case 'arrive':
      return `arrive ${message.pushes.map(({ key, value }) => `${key}=${textOf(value)}`).join(' ')}`.trim()
    case 'renew':
    case 'leave':
      return message.type
    case 'request':
      return `#${message.number} ${message.key} ${describeRequest(message.body)}`
    case 'snooped':
      return `snooped ${message.key} up to ${message.grant}: ${message.kept ? 'kept' : 'gone'}${message.dirty === null ? '' : `, had ${describeDirty(message.dirty)}`}`
  }
}

function describeRequest(body: RequestBody): string {
  switch (body.type) {
    case 'read':
      return 'BusRd'
    case 'fill':
      return 'BusRd to fill'
    case 'flush':
      return `Flush ${describeDirty(body.dirty)}`
    case 'write': {
      const name = body.held === null ? 'BusRdX' : `Flush under grant ${body.held.grant}`
      return `${name} ${body.operations.map(({ change }) => describeChange(change)).join(', ')}${body.dirty === null ? '' : ` over ${describeDirty(body.dirty)}`}`
    }
  }
}

export function describeToAgent(message: ToAgent): string {
  switch (message.type) {
    case 'opened':
      return `opened session ${message.session}`
    case 'welcome':
    case 'renewed':
    case 'session-lost':
      return message.type
    case 'reply':
      return `#${message.number} ${message.key} ${describeReply(message.body)}`
    case 'snoop':
      return message.downgradeTo === null
        ? `Invalidate ${message.key} up to ${message.grant}`
        : `Downgrade ${message.key} up to ${message.grant}, memory has ${describeVersion(message.downgradeTo)}`
  }
}

function describeReply(body: ReplyBody): string {
  switch (body.type) {
    case 'granted':
      return `${body.rights === 'shared' ? 'S' : 'E'} by grant ${body.grant}: ${describeCopy(body.copy)}`
    case 'written':
      return `${body.outcomes.map(describeOutcome).join(', ')}${body.line === null ? '' : `; M by grant ${body.line.grant}: ${describeCopy(body.line.copy)}`}`
    case 'flushed':
      return `flushed up to ${body.sequence} of grant ${body.grant}`
    case 'load':
      return `load with token ${body.token}`
    case 'overloaded':
      return body.type
  }
}

export function describeOutcome(outcome: Outcome): string {
  if (outcome.type === 'done') return `done${outcome.number === null ? '' : ` ${outcome.number}`} (${describeVersion(outcome.version)})`
  return outcome.type === 'refused' ? outcome.code : outcome.type
}

export function describeCommand(command: MemoryCommand): string {
  switch (command.type) {
    case 'write':
      return `write ${command.key}: ${command.operations.map(({ change }) => describeChange(change)).join(', ')} for #${command.request}${command.dirty === null ? '' : ` over ${describeDirty(command.dirty)}`}`
    case 'flush':
      return `flush ${command.key}: ${describeDirty(command.dirty)}`
    case 'push':
      return `push ${command.push.key}: ${textOf(command.push.value)} (${describeVersion(command.push.version)})`
    case 'open-session':
      return `open session of ${command.agent}`
    case 'close-session':
      return `close session ${command.session}`
    case 'expire':
    case 'evict':
      return `${command.type} ${command.key}`
    case 'set-capacity':
      return `${command.capacity.bytesMax} bytes, then ${command.capacity.whenFull}`
    case 'clear':
      return `clear ${command.namespace}`
  }
}
