import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { overloaded } from '#api/common/faults.ts'
import { millis } from '#base/brand.ts'
import { applicationAgent } from '#core/cache/application.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import { decodeCommand, encodeAnswer } from '#core/cache/memory-codec.ts'
import { Memory } from '#core/cache/memory.ts'
import type { Dirty, ToAgent, ToHome } from '#core/cache/messages.ts'
import type { AgentId, Change, Identity, Operation } from '#core/cache/types.ts'
import { agentId, cacheKey, grant, homeTerm, requestNumber, slotId } from '#core/cache/types.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Leadership } from '#runtime/leadership.ts'
import type { ProposalOutcome } from '#wire/peer-message.ts'
import { HomeHost } from './home-host.ts'
import { cacheServiceLimits } from './limits.ts'

const slot = slotId(1)
const agent = agentId('n2/1')

/** A host whose leadership, log and time are in the hands of the test. */
class Bench {
  leadership: Leadership | null = null
  elected: number | null = null
  readonly memory = new Memory(cacheLimits)
  readonly proposed: { readonly type: string; readonly command: Uint8Array; readonly done: (outcome: ProposalOutcome) => void }[] = []
  readonly told: string[] = []
  readonly timers: (() => void)[] = []
  begun = 0
  isOverloaded = false
  hasRoom = true
  readonly host = new HomeHost({
    snoops: 'filter',
    capacity: null,
    clock: { after: (_ms: number, call: () => void) => void this.timers.push(call) } as never,
    limits: cacheLimits,
    admission: {
      refusal: () => null,
      way: () => ({ refusal: () => (this.isOverloaded ? overloaded('too much to do') : null), begin: () => 0, end: () => {} }),
    },
    hasRoom: () => this.hasRoom,
    localAgent: agentId('n1/1'),
    leadership: () => this.leadership,
    electedIn: () => (this.elected === null ? null : homeTerm(this.elected)),
    memory: () => this.memory.state,
    previousAgent: () => null,
    begins: () => void this.begun++,
    propose: (_slot, command, done) => {
      const decoded = decodeCommand(command)
      ok(decoded.ok)
      this.proposed.push({ type: decoded.value.type, command, done })
    },
    send: (node: string, to: string, message: ToAgent) => void this.told.push(`${node} ${to} ${message.type}`),
  })

  lead(number: number, now = 100, leaseMs = 450): void {
    this.elected = number
    this.leadership = { term: term(number), now: millis(now), leaseUntil: millis(now + leaseMs), machineTime: millis(now) }
    this.host.look(slot)
  }

  open(inTerm: number, nonce = 1, from = agent): boolean {
    const message: ToHome = { type: 'open', slot, term: homeTerm(inTerm), agent: from, nonce, sentAt: millis(1) }
    return this.host.receive('n2', from, message)
  }

  /** The first proposal is committed and applied. */
  apply(): void {
    const next = this.proposed.shift()
    ok(next !== undefined)
    const answer = this.memory.apply(next.command, { term: this.elected ?? 0, time: millis(0), isReborn: false })
    next.done({ type: 'applied', index: logIndex(1), answer: encodeAnswer(answer) })
  }
}

test('what comes between the election and the first entry of the term waits for the home', () => {
  const bench = new Bench()
  bench.elected = 5
  ok(bench.open(5))
  deepEqual(bench.proposed, [])
  bench.lead(5)
  equal(bench.begun, 1)
  bench.apply()
  deepEqual(bench.told, ['n2 n2/1 opened'])
})

test('what came for a term that ended before its home began takes no room from what comes for the next', () => {
  const bench = new Bench()
  bench.elected = 5
  for (let other = 1; other <= cacheServiceLimits.earlyMessagesMax; other++) ok(bench.open(5, 1, agentId(`n3/${other}`)))
  bench.elected = 6
  ok(bench.open(6))
  bench.lead(6)
  bench.apply()
  deepEqual(bench.told, ['n2 n2/1 opened'])
})

test('of what one agent says too early only the last of a kind is kept', () => {
  const bench = new Bench()
  bench.elected = 5
  for (let nonce = 1; nonce <= 3; nonce++) ok(bench.open(5, nonce))
  bench.lead(5)
  equal(bench.proposed.length, 1)
  bench.apply()
  deepEqual(
    [...bench.memory.state.sessions.values()].map(({ nonce }) => nonce),
    [3],
  )
})

test('rule 11: what is meant for another term, or for who does not lead, is not taken', () => {
  const bench = new Bench()
  equal(bench.open(5), false)
  bench.lead(5)
  deepEqual([bench.open(4), bench.open(6)], [false, false])
  bench.leadership = null
  bench.host.look(slot)
  deepEqual([bench.open(5), bench.host.homeOf(slot)], [false, null])
})

test('what was refused for now is proposed again, and what is in another log is not', () => {
  const bench = new Bench()
  bench.lead(5)
  ok(bench.open(5))
  for (const code of ['transferring', 'overloaded'] as const) {
    bench.proposed.shift()?.done({ type: 'refused', code, leader: null })
    for (const timer of bench.timers.splice(0)) timer()
    deepEqual(
      bench.proposed.map(({ type }) => type),
      ['open-session'],
    )
  }
  bench.apply()
  deepEqual(bench.told, ['n2 n2/1 opened'])
  ok(bench.open(5, 2))
  bench.proposed.shift()?.done({ type: 'unknown' })
  equal(bench.host.homeOf(slot), null)
})

test('rule 13: a term has one home, however often its leader is looked at', () => {
  const bench = new Bench()
  bench.lead(5)
  const home = bench.host.homeOf(slot)
  bench.host.look(slot)
  equal(bench.host.homeOf(slot), home)
  bench.leadership = null
  bench.host.look(slot)
  bench.lead(5)
  equal(bench.host.homeOf(slot), null)
  bench.lead(6)
  equal(bench.host.homeOf(slot)?.state.term, 6)
})

test('rule 8: a home whose leadership lease is over, or forfeited, answers nobody', () => {
  const bench = new Bench()
  bench.lead(5)
  ok(bench.open(5))
  bench.apply()
  const { session } = { session: [...bench.memory.state.sessions.keys()][0] }
  ok(session !== undefined)
  const renew = (): void => {
    bench.host.receive('n2', agent, { type: 'renew', slot, term: homeTerm(5), session, oldest: 1 as never, sentAt: millis(2) })
  }
  renew()
  deepEqual(bench.told.splice(0), ['n2 n2/1 opened', 'n2 n2/1 renewed'])
  bench.leadership = { term: term(5), now: millis(200), leaseUntil: millis(-Infinity), machineTime: millis(200) }
  renew()
  deepEqual(bench.told, [])
  bench.leadership = { term: term(5), now: millis(300), leaseUntil: millis(300), machineTime: millis(300) }
  renew()
  deepEqual(bench.told, [])
  bench.leadership = { term: term(5), now: millis(310), leaseUntil: millis(700), machineTime: millis(310) }
  renew()
  deepEqual(bench.told, ['n2 n2/1 renewed'])
})

test('a request that is refused for there being too much to do is not carried out, also when it comes again; what makes room is not refused, nor what may have been carried out', () => {
  const bench = new Bench()
  bench.lead(5)
  ok(bench.open(5))
  bench.apply()
  const [session] = bench.memory.state.sessions.keys()
  ok(session !== undefined)
  const value = { size: 1, bytes: new Uint8Array([49]) }
  const set: Operation = { change: { type: 'set', value, ttlMs: null, condition: { type: 'none' } }, identity: null }
  const ask = (number: number, { dirty = null, identity = null }: { dirty?: Dirty | null; identity?: Identity | null } = {}): number => {
    const body = { type: 'write', held: null, dirty, operations: [{ ...set, identity }] } as const
    const oldest = requestNumber(1)
    const key = cacheKey(`k${number}`)
    bench.told.length = 0
    bench.host.receive('n2', agent, { type: 'request', slot, term: homeTerm(5), session, number: requestNumber(number), oldest, key, body })
    return bench.proposed.length
  }
  bench.isOverloaded = true
  equal(ask(1), 0)
  deepEqual(bench.told, ['n2 n2/1 reply'])
  bench.isOverloaded = false
  equal(ask(1), 0)
  deepEqual(bench.told, ['n2 n2/1 reply'])
  bench.isOverloaded = true
  equal(ask(2, { dirty: { grant: grant(1), sequence: 1, value } }), 1)
  deepEqual(bench.told, [])
  equal(ask(3, { identity: { client: 'c', sequence: 1, confirmed: 0, retry: false, again: false } }), 1)
  deepEqual(bench.told, ['n2 n2/1 reply'])
  equal(ask(4, { identity: { client: 'c', sequence: 2, confirmed: 0, retry: false, again: true } }), 2)
  deepEqual(bench.told, [])
})

test('while the disk is nearly full an application adds nothing, and reads and removes what there is', () => {
  const bench = new Bench()
  bench.lead(5)
  const application = applicationAgent('0123456789abcdef'.repeat(2))
  for (const from of [application, agent]) {
    ok(bench.open(5, 1, from))
    bench.apply()
  }
  const sessions = [...bench.memory.state.sessions.values()]
  const value = { size: 1, bytes: new Uint8Array([49]) }
  const condition = { type: 'none' } as const
  const changes: readonly Change[] = [
    { type: 'set', value, ttlMs: null, condition },
    { type: 'add', by: 1 },
    { type: 'delete', condition },
  ]
  let number = 0
  const asked = (from: AgentId, body: Extract<ToHome, { type: 'request' }>['body']): number => {
    const session = sessions.find((each) => each.agent === from)?.id
    ok(session !== undefined)
    number++
    const [oldest, key] = [requestNumber(1), cacheKey(`key ${number}`)]
    const before = bench.proposed.length
    bench.host.receive('n2', from, { type: 'request', slot, term: homeTerm(5), session, number: requestNumber(number), oldest, key, body })
    return bench.proposed.length - before
  }
  const write = (from: AgentId, change: Change): number =>
    asked(from, { type: 'write', held: null, dirty: null, operations: [{ change, identity: null }] })
  bench.hasRoom = false
  deepEqual(
    changes.map((change) => write(application, change)),
    [0, 0, 1],
  )
  deepEqual(bench.told.slice(-2), [`n2 ${application} reply`, `n2 ${application} reply`])
  equal(
    asked(application, { type: 'flush', dirty: { grant: grant(1), sequence: 1, value } }),
    0,
    'a flush is not refused: it is of another grant',
  )
  equal(write(agent, { type: 'add', by: 1 }), 1, 'its node has looked at its own disk')
  bench.hasRoom = true
  equal(write(application, { type: 'add', by: 1 }), 1)
})
