import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import type { ToAgent, ToHome } from '#core/cache/messages.ts'
import { agentId, agentSession, cacheKey, grant, handle, homeTerm, noVersion, requestNumber, slotId } from '#core/cache/types.ts'
import { AgentHost } from './agent-host.ts'

const slot = slotId(1)
const key = cacheKey('k')
const asked = { slot, key, handle: handle(1) } as const
const valueOf = (text: string) => ({ size: text.length, bytes: Buffer.from(text) })

/** An agent beside the home of its slot; what it says, and what time it is, is in the hands of the test. */
class Bench {
  now: Millis = millis(0)
  leaseUntil: Millis | null = millis(450)
  readonly sent: { readonly home: string; readonly message: ToHome }[] = []
  lookedUp = 0
  #tick: () => void = () => {}
  readonly host = new AgentHost(agentId('n1/1'), cacheLimits, {
    clock: { now: () => this.now, after: (_ms: number, call: () => void) => void (this.#tick = call) } as never,
    send: (home, message) => void this.sent.push({ home, message }),
    lookUp: () => void this.lookedUp++,
    leadership: () => (this.leaseUntil === null ? null : { term: homeTerm(1), until: this.leaseUntil }),
    changed: () => {},
  })

  /** It owns the line, by a grant of the home in its own process. */
  constructor() {
    const { host } = this
    host.start()
    host.homeIs(slot, homeTerm(1), 'n1')
    host.leadershipChanged(slot)
    host.read(asked, false, () => {})
    const addressed = { slot, term: homeTerm(1), session: agentSession(1) } as const
    this.hear({ type: 'opened', ...addressed, nonce: 1, sentAt: this.now })
    const copy = { value: valueOf('0'), version: noVersion, ttlMs: null }
    const body = { type: 'granted', rights: 'exclusive', grant: grant(1), copy } as const
    this.hear({ type: 'reply', ...addressed, number: requestNumber(1), key, body })
    ok(host.getSync(asked) !== undefined)
  }

  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now = millis(this.now + 25)
      this.#tick()
    }
  }

  hear(message: ToAgent): void {
    this.host.receive(message)
  }
}

test('who was home, and has no replica any more that would name the next one, asks for it', () => {
  const bench = new Bench()
  bench.pass(400)
  equal(bench.lookedUp, 0)
  bench.leaseUntil = null
  bench.host.leadershipChanged(slot)
  bench.pass(400)
  ok(bench.lookedUp > 0, 'it asks')
  bench.sent.length = 0
  bench.host.homeIs(slot, homeTerm(2), 'n2')
  deepEqual(
    bench.sent.map(({ home, message }) => `${home} ${message.type}`),
    ['n2 arrive'],
  )
})

test('decision C2: what was written under a leadership that is gone is not pushed, though its lease would last', () => {
  for (const isGone of [false, true]) {
    const bench = new Bench()
    const { agent } = bench.host
    ok(agent.setSync(key, valueOf('1'), handle(1), bench.now))
    if (isGone) bench.leaseUntil = null
    bench.sent.length = 0
    bench.host.homeIs(slot, homeTerm(2), 'n2')
    deepEqual(
      bench.sent.map(({ message }) => message.type === 'arrive' && message.pushes.length),
      [isGone ? 0 : 1],
    )
    equal(agent.state.counters.lost, isGone ? 1 : 0)
  }
})

test('decision C2: what was pushed is owed until its home says that it has it, whether a line had it or a snoop had taken it', () => {
  for (const isSnooped of [false, true]) {
    const bench = new Bench()
    const { host } = bench
    const session = agentSession(1)
    ok(host.agent.setSync(key, valueOf('1'), handle(1), bench.now))
    if (isSnooped) bench.hear({ type: 'snoop', slot, term: homeTerm(1), session, key, grant: grant(2), downgradeTo: null })
    equal(host.owed, 1)
    host.homeIs(slot, homeTerm(2), 'n2')
    equal(host.owed, 1)
    bench.hear({ type: 'welcome', slot, term: homeTerm(2), session, sentAt: bench.now })
    deepEqual([host.owed, host.agent.state.counters.lost], [0, 0])
  }
})

test('leadership is not handed over while the home in this process has not taken what was pushed to it', () => {
  const bench = new Bench()
  const { host } = bench
  ok(host.agent.setSync(key, valueOf('1'), handle(1), bench.now))
  host.homeIs(slot, homeTerm(2), 'n1')
  let isSettled = false
  host.settle(slot, () => (isSettled = true))
  equal(isSettled, false)
})
