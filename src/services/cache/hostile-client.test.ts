import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import { applicationAgent } from '#core/cache/application.ts'
import type { RequestBody, ToAgent, ToHome } from '#core/cache/messages.ts'
import type { AgentId, HomeTerm, SessionId, SlotId, Value } from '#core/cache/types.ts'
import { agentId, agentSession, cacheKey, grant, homeTerm, noVersion, requestNumber, slotId } from '#core/cache/types.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { ClientPeer } from '#ports/client.ts'
import { CacheWorld } from '#test/harness/cache-world.ts'
import { decodeBus, encodeBus } from '#wire/cache-bus.ts'
import type { CacheClientMessage, CacheServerMessage } from '#wire/cache-client-message.ts'
import type { BusMessage } from '#wire/cache-bus.ts'
import type { CacheServer } from './cache-server.ts'

const key = cacheKey('k')
const json = (text: string): Value => ({ size: Buffer.byteLength(text), bytes: Buffer.from(text) })

/** A program that says to the home of one key whatever it likes. */
class Stranger {
  readonly heard: CacheServerMessage[] = []
  readonly told: ToAgent[] = []
  closed: string | null = null
  readonly agent: AgentId
  readonly slot: SlotId
  readonly term: HomeTerm
  readonly world: CacheWorld
  readonly server: CacheServer
  readonly #peer: ClientPeer<CacheClientMessage>
  session: SessionId = agentSession(0)
  #number = 0

  constructor(world: CacheWorld, server: CacheServer, agent: AgentId) {
    this.world = world
    this.server = server
    this.agent = agent
    this.slot = slotId(slotOf(key, 0, world.slots))
    this.term = present(server.bus.leaderOf(this.slot), 'the slot has a leader').term
    this.#peer = server.clients.serve({
      send: (message) => {
        this.heard.push(message)
        const decoded = message.type === 'bus' ? decodeBus(message.content) : null
        if (decoded?.ok === true) for (const each of decoded.value) if (each.type === 'to-agent') this.told.push(each.message)
      },
      close: (code, detail) => (this.closed = `${code}: ${detail}`),
    })
    this.raw({ type: 'enter', agent })
  }

  raw(message: CacheClientMessage): void {
    this.#peer.received(message)
  }

  bus(message: BusMessage): void {
    this.raw({ type: 'bus', content: encodeBus([message]) })
  }

  say(message: ToHome): void {
    this.bus({ type: 'to-home', from: this.agent, message })
  }

  async open(): Promise<void> {
    this.say({ type: 'open', slot: this.slot, term: this.term, agent: this.agent, nonce: 1, sentAt: millis(0) })
    await this.world.until('a session is open', () => this.told.some(({ type }) => type === 'opened'))
    const opened = this.told.find((message) => message.type === 'opened')
    if (opened !== undefined) this.session = opened.session
  }

  get addressed() {
    return { slot: this.slot, term: this.term, session: this.session } as const
  }

  ask(body: RequestBody): void {
    const number = requestNumber(++this.#number)
    this.say({ type: 'request', ...this.addressed, number, oldest: number, key, body })
  }

  async asked(body: RequestBody): Promise<ToAgent> {
    const before = this.told.length
    this.ask(body)
    await this.world.until('it is answered', () => this.told.slice(before).some(({ type }) => type === 'reply'))
    return present(
      this.told.slice(before).find(({ type }) => type === 'reply'),
      'it is answered',
    )
  }

  /** The home and all replicas go on. */
  async isHarmless(): Promise<void> {
    const client = this.world.client('n1')
    ok((await client.write('k', 'after')).startsWith('M'))
    equal(await this.world.client('n2').read('k'), '"after" S')
  }
}

const nameOf = (digit: string): AgentId => applicationAgent(digit.repeat(32))

async function stranger(digit = 'a', world?: CacheWorld): Promise<Stranger> {
  const given = world ?? (await CacheWorld.start())
  const home = await given.homeOf('k')
  return new Stranger(given, home.server, nameOf(digit))
}

const setting = (text: string): Extract<RequestBody, { type: 'write' }>['operations'] => [
  { identity: null, change: { type: 'set', value: json(text), ttlMs: null, condition: { type: 'none' } } },
]

test('a name that a node, or an agent of one, could have is refused', { timeout: 60_000 }, async () => {
  const world = await CacheWorld.start()
  const { server } = await world.homeOf('k')
  for (const name of ['n1', 'n1/1234', 'app:', `app:${'g'.repeat(32)}`, `app:${'a'.repeat(33)}`, `n1/${'a'.repeat(32)}`, ''])
    equal(new Stranger(world, server, agentId(name)).closed, 'malformed: no name for an agent in an application', name)
})

test('what no agent says ends the connection, and nothing else', { timeout: 60_000 }, async () => {
  const world = await CacheWorld.start()
  const wrong: readonly ((by: Stranger) => void)[] = [
    (by) => by.raw({ type: 'enter', agent: nameOf('b') }),
    (by) => by.raw({ type: 'bus', content: Uint8Array.of(1, 2, 3) }),
    (by) => by.raw({ type: 'bus', content: encodeBus([]) }),
    (by) => by.bus({ type: 'leads', slot: by.slot, term: homeTerm(99), leader: 'n9' }),
    (by) => by.bus({ type: 'to-agent', to: by.agent, message: { type: 'session-lost', ...by.addressed } }),
    (by) => by.bus({ type: 'who-leads', slot: slotId(99) }),
    (by) => by.bus({ type: 'to-home', from: nameOf('b'), message: { type: 'leave', ...by.addressed } }),
    (by) => by.say({ type: 'open', slot: by.slot, term: by.term, agent: nameOf('b'), nonce: 1, sentAt: millis(0) }),
    (by) => by.say({ type: 'leave', ...by.addressed, slot: slotId(0) }),
    (by) =>
      by.say({
        type: 'request',
        ...by.addressed,
        number: requestNumber(1),
        oldest: requestNumber(1),
        key: cacheKey('another'),
        body: { type: 'read' },
      }),
    (by) => by.ask({ type: 'write', held: null, dirty: null, operations: [] }),
    (by) => by.ask({ type: 'write', held: null, dirty: null, operations: setting('no json') }),
    (by) => by.ask({ type: 'write', held: null, dirty: null, operations: setting('1}, {"injected": 1') }),
    (by) => by.ask({ type: 'flush', dirty: { grant: grant(1), sequence: 1, value: json('') } }),
    (by) => by.raw({ type: 'clear', call: 1, slot: 99, namespace: '' }),
    (by) => by.raw({ type: 'clear', call: 1, slot: by.slot, namespace: 'a\u0000b' }),
  ]
  const others = cacheKey(
    [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `x${n}`).find((name) => slotOf(name, 0, world.slots) !== slotOf(key, 0, world.slots)) ?? '',
  )
  for (const version of [{ ...noVersion, term: homeTerm(99) }, { ...noVersion }]) {
    const push = { key: version.term === 99 ? key : others, version, value: json('1'), held: true, carriedBy: null }
    ;(wrong as ((by: Stranger) => void)[]).push((by) => by.say({ type: 'arrive', ...by.addressed, pushes: [push], sentAt: millis(0) }))
  }
  for (const [at, act] of wrong.entries()) {
    const by = await stranger('a', world)
    act(by)
    ok(by.closed?.startsWith('malformed: ') === true, `${at}: ${by.closed}`)
  }
  await (await stranger('c', world)).isHarmless()
})

test('rule 5: numbers that go back, or belong to nothing, make no version go back', { timeout: 60_000 }, async () => {
  const by = await stranger()
  await by.open()
  const first = await by.asked({ type: 'write', held: null, dirty: null, operations: setting('1') })
  ok(first.type === 'reply' && first.body.type === 'written' && first.body.line !== null)
  const { grant: current } = first.body.line
  const dirty = { grant: current, sequence: 9, value: json('"dirty"') }
  for (const [held, owed] of [
    [{ grant: current, sequence: 50 }, null],
    [{ grant: current, sequence: 1 }, null],
    [
      { grant: current, sequence: 0 },
      { ...dirty, sequence: 0 },
    ],
    [
      { grant: current, sequence: 60 },
      { ...dirty, sequence: 70 },
    ],
    [
      { grant: current, sequence: 80 },
      { ...dirty, grant: grant(current + 1_000) },
    ],
    [{ grant: grant(current + 1_000), sequence: 1 }, dirty],
  ] as const) {
    const reply = await by.asked({ type: 'write', held, dirty: owed, operations: setting('2') })
    ok(reply.type === 'reply' && reply.body.type === 'written' && reply.body.outcomes[0]?.type === 'done')
  }
  await by.asked({ type: 'flush', dirty: { grant: current, sequence: Number.MAX_SAFE_INTEGER, value: json('3') } })
  await by.isHarmless()
})

test('nobody speaks in the session of another', { timeout: 60_000 }, async () => {
  const victim = await stranger('a')
  await victim.open()
  const granted = await victim.asked({ type: 'read' })
  ok(granted.type === 'reply' && granted.body.type === 'granted')
  const by = await stranger('b', victim.world)
  by.session = victim.session
  by.say({ type: 'leave', ...by.addressed })
  by.say({ type: 'renew', ...by.addressed, oldest: requestNumber(99), sentAt: millis(0) })
  by.ask({ type: 'write', held: null, dirty: null, operations: setting('1') })
  await victim.world.run(100)
  deepEqual(new Set(by.told.map(({ type }) => type)), new Set(['session-lost']))
  const home = present(by.server.bus.homes.homeOf(by.slot), 'it is home').state
  ok(home.sessions.get(victim.session)?.standing === 'arrived' && home.directory.has(key))
  const writing = by.world.client('n1').write('k', 1)
  await by.world.until('the victim is told', () => victim.told.some(({ type }) => type === 'snoop'))
  const snoop = present(
    victim.told.find((message) => message.type === 'snoop'),
    'it was told',
  )
  by.say({ type: 'snooped', ...by.addressed, key, grant: snoop.grant, kept: false, dirty: null })
  const before = by.world.scheduler.now
  await writing
  ok(by.world.scheduler.now - before > 300, 'only the lease of the victim ends the wait')
})

test('an agent that connects again is heard on its newest connection only', { timeout: 60_000 }, async () => {
  const by = await stranger()
  const again = await stranger('a', by.world)
  equal(by.closed, 'replaced: the same agent has connected again')
  await again.open()
  deepEqual(by.told, [])
})

test('what an application makes a home keep is bounded, and goes on when it confirms', { timeout: 60_000 }, async () => {
  const by = await stranger()
  await by.open()
  const large = setting(JSON.stringify('x'.repeat(1_000_000)))
  const home = present(by.server.bus.homes.homeOf(by.slot), 'it is home').state
  for (let number = 1; number <= 100; number++) {
    const body = { type: 'write', held: null, dirty: null, operations: large } as const
    by.say({ type: 'request', ...by.addressed, number: requestNumber(number), oldest: requestNumber(1), key, body })
  }
  ok((home.sessions.get(by.session)?.replies.size ?? 0) <= 68)
  await by.world.run(500)
  by.say({ type: 'renew', ...by.addressed, oldest: requestNumber(200), sentAt: millis(0) })
  by.say({ type: 'request', ...by.addressed, number: requestNumber(201), oldest: requestNumber(200), key, body: { type: 'read' } })
  await by.world.until('it is answered', () => by.told.some((message) => message.type === 'reply' && message.number === 201))
})

test('whatever an application says in the words of the protocol, no node ends', { timeout: 60_000 }, async () => {
  const prng = new Prng(20_261_121)
  const by = await stranger()
  await by.open()
  const small = (): number => prng.between(0, 6)
  const value = (): Value => json(String(small()))
  const dirty = () => ({ grant: grant(small()), sequence: small(), value: value() })
  const bodies: readonly (() => RequestBody)[] = [
    () => ({ type: 'read' }),
    () => ({ type: 'fill' }),
    () => ({ type: 'flush', dirty: dirty() }),
    () => ({
      type: 'write',
      held: prng.chance(0.7) ? { grant: grant(small()), sequence: small() } : null,
      dirty: prng.chance(0.5) ? dirty() : null,
      operations: prng.pick([setting('1'), [{ identity: null, change: { type: 'delete', condition: { type: 'none' } } }]]),
    }),
  ]
  const version = () => ({ term: homeTerm(prng.between(0, by.term - 1)), grant: grant(small()), sequence: small() })
  const words: readonly (() => ToHome)[] = [
    () => ({
      type: 'request',
      ...by.addressed,
      number: requestNumber(prng.between(0, 400)),
      oldest: requestNumber(small()),
      key,
      body: prng.pick(bodies)(),
    }),
    () => ({
      type: 'snooped',
      ...by.addressed,
      key,
      grant: grant(prng.between(0, 60)),
      kept: prng.chance(0.5),
      dirty: prng.chance(0.5) ? dirty() : null,
    }),
    () => ({
      type: 'arrive',
      ...by.addressed,
      pushes: [{ key, version: version(), value: value(), held: true, carriedBy: null }],
      sentAt: millis(0),
    }),
    () => ({ type: 'renew', ...by.addressed, oldest: requestNumber(0), sentAt: millis(0) }),
    () => ({ type: 'open', slot: by.slot, term: by.term, agent: by.agent, nonce: small(), sentAt: millis(0) }),
  ]
  for (let round = 0; round < 600; round++) {
    by.say(prng.pick(words)())
    const opened = by.told.findLast((message) => message.type === 'opened')
    if (opened !== undefined) by.session = opened.session
    if (round % 3 === 0) await by.world.run(5)
  }
  equal(by.closed, null)
  ok(by.told.filter(({ type }) => type === 'reply').length > 50)
  await by.isHarmless()
})
