import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { ok } from '#base/result.ts'
import type { LockAnswer } from '#core/lock/types.ts'
import { clientId, resourceName, sessionId } from '#core/lock/types.ts'
import type { Clock } from '#ports/clock.ts'
import { TestCall } from '#test/harness/service-world.ts'
import type { Answered } from './lock-slot.ts'
import { WaitingCall } from './waiting-call.ts'

const attempt = { session: sessionId('node'), sequence: 1 }
const queued: LockAnswer = { type: 'queued', position: 1, holders: [], ttlMs: null }

/** A request that waits, on a node whose replica and whose leader tell it things in the order of the test. */
class Waiting {
  readonly call = new TestCall()
  readonly answers: Answered[] = []
  readonly #later: (() => void)[] = []
  readonly #clock: Clock = {
    now: () => millis(0),
    wall: () => wallMillis(0),
    after: (_, call) => (this.#later.push(call), () => {}),
    soon: (call) => call(),
  }
  readonly #asked: ((answered: Answered) => void)[] = []
  #settle: (answer: LockAnswer) => void = () => {}

  constructor() {
    const ports = {
      clock: this.#clock,
      slot: { submit: (_: unknown, done: (answered: Answered) => void): void => void this.#asked.push(done) },
      parking: {
        follow: () => {},
        park: (_: unknown, settled: (answer: LockAnswer) => void) => {
          this.#settle = settled
          return () => {}
        },
      },
    }
    const ticket = { attempt, identity: { ...attempt, confirmed: 0 }, end: () => {} }
    const call = new WaitingCall(ports, ticket, this.call, (answered) => this.answers.push(answered))
    const owner = { client: clientId('A'), session: null }
    const items = [{ resource: resourceName('r'), mode: 'exclusive' as const }]
    call.start({ type: 'acquire', identity: null, owner, items, ttlMs: 1_000, lockDelayMs: 0, waitMs: 1_000 })
    this.leaderSays(queued)
  }

  get said(): readonly string[] {
    return this.answers.map((answered) => (answered.ok ? answered.value.type : answered.error.code))
  }

  leaderSays(answer: LockAnswer): void {
    this.#asked.shift()?.(ok(answer))
  }

  replicaSays(answer: LockAnswer): void {
    this.#settle(answer)
  }

  overdue(): void {
    for (const call of this.#later.splice(0)) call()
  }
}

test('who waits on a node that stops is told so, whoever tells first that the wait is cancelled', () => {
  const [one, other] = [new Waiting(), new Waiting()]
  for (const waiting of [one, other]) waiting.call.end('stopping')
  one.replicaSays({ type: 'cancelled' })
  other.leaderSays({ type: 'cancelled' })
  deepEqual([one.said, other.said], [['stopping'], ['stopping']])
})

test('a wait whose end is overdue has timed out, whoever tells first that it is cancelled', () => {
  const [one, other] = [new Waiting(), new Waiting()]
  for (const waiting of [one, other]) waiting.overdue()
  one.replicaSays({ type: 'cancelled' })
  other.leaderSays({ type: 'cancelled' })
  deepEqual([one.said, other.said], [['timed-out'], ['timed-out']])
})

test('a wait that ends with the session of its node is not told as one that was given up here', () => {
  const waiting = new Waiting()
  waiting.replicaSays({ type: 'cancelled' })
  deepEqual(waiting.said, ['cancelled'])
})
