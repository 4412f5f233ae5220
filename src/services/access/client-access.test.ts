import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { RateLimiter } from '#core/access/rate-limiter.ts'
import type { Role } from '#core/access/roles.ts'
import type { Caller, Token } from '#core/access/types.ts'
import { applicationAgent } from '#core/cache/application.ts'
import type { RequestBody, ToHome } from '#core/cache/messages.ts'
import { agentSession, cacheKey, grant, homeTerm, noVersion, requestNumber, slotId } from '#core/cache/types.ts'
import { encodeCommand } from '#core/lock/command-codec.ts'
import type { LockCommand } from '#core/lock/types.ts'
import { clientId, resourceName, sessionId } from '#core/lock/types.ts'
import { admitCacheMessage } from '#services/cache/client-access.ts'
import { admitLockMessage } from '#services/lock/client-access.ts'
import { admitQueueMessage } from '#services/queue/client-access.ts'
import { decodeBus, encodeBus } from '#wire/cache-bus.ts'
import type { CacheClientMessage } from '#wire/cache-client-message.ts'
import type { ClientMessage } from '#wire/client-message.ts'
import type { QueueClientMessage } from '#wire/queue-client-message.ts'
import { AccessControl } from './access-control.ts'
import type { GuardPorts } from './guarded-clients.ts'
import { guardedClients } from './guarded-clients.ts'

const callerWith = (roles: readonly Role[], ...prefixes: readonly string[]): Caller => {
  const token: Token = { name: 't', roles, prefixes, expiresAt: null }
  return { token, address: '127.0.0.1' }
}
const controlWith = (limiter: RateLimiter | null = null): AccessControl =>
  new AccessControl({ tokens: { find: () => null, has: () => true }, limiter, clock: { now: () => millis(0), wall: () => wallMillis(0) } })
const control = controlWith()
const strict = (): AccessControl => controlWith(new RateLimiter({ perSecond: 1, burst: 1, keysMax: 9 }))

const session = sessionId('s')
const identity = { session, sequence: 1, confirmed: 0 }
const owner = { client: clientId('c'), session }
const command = (said: LockCommand): ClientMessage => ({ type: 'command', call: 1, command: encodeCommand(said) })
const acquire = (...names: readonly string[]): ClientMessage =>
  command({
    type: 'acquire',
    identity,
    owner,
    items: names.map((name) => ({ resource: resourceName(name), mode: 'exclusive' as const })),
    ttlMs: 0,
    lockDelayMs: 0,
    waitMs: 0,
  })
const release = command({ type: 'release', identity, owner, resource: resourceName('b'), proof: { type: 'as-of', index: 0 } })

test('a client of the locks may ask about what its token covers', () => {
  const locker = callerWith(['lock'], 'a')
  const said = (message: ClientMessage, caller = locker): string => admitLockMessage(message, caller, control).type
  equal(said(acquire('a1', 'a2')), 'passed')
  equal(said(acquire('a1', 'b')), 'refused')
  equal(said(release), 'refused')
  equal(said(release, callerWith(['lock'])), 'passed')
  equal(said(command({ type: 'close-session', session })), 'passed')
  equal(said({ type: 'command', call: 1, command: Uint8Array.of(9) }), 'passed', 'what it is, is told by who reads it')
  for (const message of [acquire('a1'), { type: 'keep-alive', call: 1, sessions: [] } as const]) {
    deepEqual(admitLockMessage(message, callerWith(['produce']), control), {
      type: 'refused',
      fault: { code: 'forbidden', message: 'this needs the role lock, and the token t does not have it', details: { role: 'lock' } },
      answer: { type: 'failed', call: 1, code: 'forbidden', message: 'this needs the role lock, and the token t does not have it' },
      action: null,
    })
  }
})

test('a client that looks at locks sees what its token covers', () => {
  const looker = callerWith(['consume'], 'a')
  const query = (asked: Extract<ClientMessage, { type: 'query' }>['query']): ClientMessage => ({ type: 'query', call: 1, query: asked })
  const list = query({ type: 'locks', prefix: '', after: null, limit: 1 })
  deepEqual(admitLockMessage(list, looker, control), {
    type: 'passed',
    message: query({ type: 'locks', prefix: 'a', after: null, limit: 1 }),
  })
  equal(admitLockMessage(list, callerWith(['lock'], 'a', 'b'), control).type, 'refused')
  equal(admitLockMessage(query({ type: 'lock', resource: 'a' }), looker, control).type, 'passed')
  equal(admitLockMessage(query({ type: 'check', resource: 'b', token: 1 }), looker, control).type, 'refused')
  equal(admitLockMessage(query({ type: 'deadlocks' }), looker, control).type, 'refused')
  equal(admitLockMessage(query({ type: 'deadlocks' }), callerWith(['consume']), control).type, 'passed')
})

test('sessions are kept alive however often, and everything else has a limit', () => {
  const limited = strict()
  const caller = callerWith(['lock'])
  equal(admitLockMessage(acquire('a'), caller, limited).type, 'passed')
  const refused = admitLockMessage(acquire('a'), caller, limited)
  ok(refused.type === 'refused' && refused.answer?.type === 'failed' && refused.answer.code === 'rate_limited')
  for (let turn = 0; turn < 5; turn++)
    equal(admitLockMessage({ type: 'keep-alive', call: 1, sessions: [] }, caller, limited).type, 'passed')
})

const change = {
  visibilityMs: null,
  maxFailures: null,
  expiryFails: null,
  growth: null,
  delayMs: null,
  maxMs: null,
  jitterPercent: null,
  deadLetterQueue: null,
  maxLength: null,
  overflow: null,
  ttlMs: null,
  dedupeWindowMs: null,
  paused: null,
} as const
const put = (deadLetterQueue: readonly string[] | null): QueueClientMessage => ({
  type: 'manage',
  call: 1,
  order: { type: 'put', queue: 'a', partitions: null, ifRevision: null, change: { ...change, deadLetterQueue } },
})

test('a client of the queues needs the role for what it does, and a token that covers the queue', () => {
  const messages: readonly (readonly [Role | null, QueueClientMessage])[] = [
    [null, { type: 'locate', call: 1, queue: 'a', create: false, fresh: false }],
    ['produce', { type: 'locate', call: 1, queue: 'a', create: true, fresh: false }],
    ['produce', { type: 'produce', call: 1, queue: 'a', producer: { id: 'p', partition: 0, sequence: 1 }, messages: [] }],
    ['consume', { type: 'consume', call: 1, queue: 'a', consumer: 'c', max: 1, waitMs: 0, visibilityMs: 1_000 }],
    ['consume', { type: 'look', call: 1, question: { type: 'messages', queue: 'a', which: 'ready', after: null, limit: 1 } }],
    [null, { type: 'look', call: 1, question: { type: 'queue', queue: 'a' } }],
    ['admin', { type: 'manage', call: 1, order: { type: 'purge', queue: 'a', dead: false } }],
    ['admin', put(['a-dead'])],
  ]
  for (const [role, message] of messages) {
    const said = JSON.stringify(message)
    const roles = role === null ? [] : [role]
    equal(admitQueueMessage(message, callerWith(roles, 'a'), control).type, 'passed', said)
    equal(admitQueueMessage(message, callerWith(roles, 'b'), control).type, 'refused', said)
    equal(admitQueueMessage(message, callerWith(['lock'], 'a'), control).type, role === null ? 'passed' : 'refused', said)
  }
  equal(admitQueueMessage(put(['b']), callerWith(['admin'], 'a'), control).type, 'refused', 'the dead of a queue go elsewhere')
  const ack: QueueClientMessage = { type: 'ack', call: 1, receipts: [] }
  equal(admitQueueMessage(ack, callerWith(['consume'], 'b'), control).type, 'passed', 'a receipt is the right to it')
  equal(admitQueueMessage(ack, callerWith(['produce']), control).type, 'refused')
  const refused = admitQueueMessage({ type: 'manage', call: 1, order: { type: 'delete', queue: 'a' } }, callerWith(['produce']), control)
  deepEqual(refused.type === 'refused' && refused.action, { id: 'deleteQueue', names: ['a'] })
})

test('a client of the queues is told when to ask again, and may end a wait whenever it likes', () => {
  const limited = strict()
  const caller = callerWith(['consume'])
  const ack: QueueClientMessage = { type: 'ack', call: 1, receipts: [] }
  equal(admitQueueMessage(ack, caller, limited).type, 'passed')
  const refused = admitQueueMessage(ack, caller, limited)
  ok(refused.type === 'refused' && refused.answer?.type === 'failed')
  deepEqual([refused.answer.code, refused.answer.retryAfterMs], ['rate_limited', 1_000])
  equal(admitQueueMessage({ type: 'leave', call: 1 }, caller, limited).type, 'passed')
  const list: QueueClientMessage = { type: 'look', call: 1, question: { type: 'queues', prefix: '', after: null, limit: 1 } }
  deepEqual(admitQueueMessage(list, callerWith([], 'a'), control), {
    type: 'passed',
    message: { ...list, question: { ...list.question, prefix: 'a' } },
  })
})

const agent = applicationAgent('0'.repeat(32))
const inSession = { slot: slotId(1), term: homeTerm(2), session: agentSession(3) } as const
const bus = (message: ToHome): CacheClientMessage => ({ type: 'bus', content: encodeBus([{ type: 'to-home', from: agent, message }]) })
const request = (key: string, body: RequestBody): CacheClientMessage =>
  bus({ type: 'request', ...inSession, number: requestNumber(1), oldest: requestNumber(1), key: cacheKey(key), body })
const value = { size: 1, bytes: new TextEncoder().encode('1') }
const dirty = { grant: grant(1), sequence: 1, value }
const write: RequestBody = {
  type: 'write',
  held: null,
  dirty: null,
  operations: [{ change: { type: 'add', by: 1 }, identity: null }],
}

test('an agent of the cache reads with one role, and writes with both', () => {
  const said = (message: CacheClientMessage, caller: Caller): string => admitCacheMessage(message, caller, control).type
  const [reader, writer, both] = [callerWith(['cache-read']), callerWith(['cache-write']), callerWith(['cache-read', 'cache-write'], 'a')]
  equal(said({ type: 'enter', agent }, reader), 'passed')
  equal(said({ type: 'enter', agent }, writer), 'refused', 'lines come with values in them')
  for (const type of ['read', 'fill'] as const) {
    equal(said(request('a', { type }), reader), 'passed')
    equal(said(request('a', { type }), writer), 'refused')
    equal(said(request('a\u0000k', { type }), both), 'passed', 'a namespace is the beginning of its keys')
    equal(said(request('b', { type }), both), 'refused')
  }
  for (const body of [write, { type: 'flush', dirty } as const]) {
    equal(said(request('a', body), reader), 'refused')
    equal(said(request('a', body), both), 'passed')
    equal(said(request('b', body), both), 'refused')
  }
  equal(said(bus({ type: 'leave', ...inSession }), reader), 'passed')
  equal(said(bus({ type: 'leave', ...inSession }), callerWith(['lock'])), 'refused')
})

test('what others wait for comes through, without what the agent may not write', () => {
  const passed = (message: ToHome, caller: Caller): ToHome => {
    const admitted = admitCacheMessage(bus(message), caller, control)
    ok(admitted.type === 'passed' && admitted.message.type === 'bus')
    const decoded = decodeBus(admitted.message.content)
    ok(decoded.ok && decoded.value[0]?.type === 'to-home')
    return decoded.value[0].message
  }
  const push = (key: string): Extract<ToHome, { type: 'arrive' }>['pushes'][number] => ({
    key: cacheKey(key),
    version: noVersion,
    value,
    held: true,
    carriedBy: null,
  })
  const both = callerWith(['cache-read', 'cache-write'], 'a')
  const arrived = passed({ type: 'arrive', ...inSession, pushes: [push('a'), push('b')], sentAt: millis(0) }, both)
  deepEqual(arrived.type === 'arrive' && arrived.pushes.map(({ key }) => key), ['a'])
  const snooped = { type: 'snooped', ...inSession, key: cacheKey('b'), grant: grant(1), kept: false, dirty } as const
  const answered = passed(snooped, both)
  equal(answered.type === 'snooped' && answered.dirty, null)
  const own = passed({ ...snooped, key: cacheKey('a') }, both)
  ok(own.type === 'snooped' && own.dirty !== null)
})

test('to clear a namespace takes a token that covers all of it, and who has none is audited', () => {
  const clear = (namespace: string): CacheClientMessage => ({ type: 'clear', call: 1, slot: 1, namespace })
  const both = callerWith(['cache-read', 'cache-write'], 'a')
  equal(admitCacheMessage(clear('a-b'), both, control).type, 'passed')
  for (const [message, caller] of [
    [clear(''), both],
    [clear('b'), both],
    [clear('a'), callerWith(['cache-read'])],
  ] as const) {
    const refused = admitCacheMessage(message, caller, control)
    ok(refused.type === 'refused' && refused.answer?.type === 'failed')
    deepEqual([refused.answer.code, refused.action?.id], ['forbidden', 'clear'])
  }
})

test('leases of the cache are renewed however often, and what asks for values has a limit', () => {
  const limited = strict()
  const caller = callerWith(['admin'])
  equal(admitCacheMessage(request('a', { type: 'read' }), caller, limited).type, 'passed')
  equal(admitCacheMessage(request('a', { type: 'read' }), caller, limited).type, 'refused')
  const renew = bus({ type: 'renew', ...inSession, oldest: requestNumber(1), sentAt: millis(0) })
  for (let turn = 0; turn < 5; turn++) equal(admitCacheMessage(renew, caller, limited).type, 'passed')
})

test('a service hears what is admitted and nothing else, and who speaks', () => {
  const [heard, told, refused, callers]: [string[], string[], string[], unknown[]] = [[], [], [], []]
  const host = {
    protocol: null as never,
    welcome: () => null,
    serve: (_channel: unknown, caller?: Caller) => {
      callers.push(caller?.token?.name)
      return { received: (message: string) => void heard.push(message), gone: () => void heard.push('gone') }
    },
  }
  const ports: GuardPorts = { control, refused: (action, { names }) => void refused.push(action, ...names) }
  const guarded = guardedClients<string, string>(host, ports, (message) => {
    if (message === 'good') return { type: 'passed', message: 'better' }
    const fault = { code: 'forbidden', message: '', details: {} } as const
    return {
      type: 'refused',
      fault,
      answer: message === 'silent' ? null : 'no',
      action: message === 'order' ? { id: message, names: ['q'] } : null,
    }
  })
  const peer = guarded.serve({ send: (message) => void told.push(message), close: () => {} }, callerWith(['lock']))
  for (const message of ['good', 'bad', 'silent', 'order']) peer.received(message)
  peer.gone()
  deepEqual([heard, told, refused, callers], [['better', 'gone'], ['no', 'no'], ['order', 'q'], ['t']])
})
