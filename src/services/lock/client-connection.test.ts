import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeAnswer, encodeCommand } from '#core/lock/command-codec.ts'
import type { Acquire, LockCommand } from '#core/lock/types.ts'
import { clientId, fencingToken, resourceName, sessionId } from '#core/lock/types.ts'
import type { ClientPeer } from '#ports/client.ts'
import type { ServerMessage } from '#wire/client-message.ts'
import type { LockWorldNode } from '#test/harness/lock-world.ts'
import { LockWorld, TestCall } from '#test/harness/lock-world.ts'
import { serviceLimits } from './limits.ts'

/** A client of one node, without a network between them. */
class Visitor {
  readonly peer: ClientPeer
  readonly said: ServerMessage[] = []
  readonly #world: LockWorld
  #calls = 0

  constructor(world: LockWorld, node: LockWorldNode) {
    this.#world = world
    this.peer = node.server.clients.serve({ send: (message) => void this.said.push(message), close: () => {} })
  }

  send(command: LockCommand | Uint8Array): number {
    const call = ++this.#calls
    this.peer.received({ type: 'command', call, command: command instanceof Uint8Array ? command : encodeCommand(command) })
    return call
  }

  /** What the first answer of that kind to the call says, in short. */
  async told(call: number, type: 'answered' | 'settled' | 'failed' | 'kept' = 'answered'): Promise<string> {
    const find = (): ServerMessage | undefined =>
      this.said.find((message) => message.type === type && 'call' in message && message.call === call)
    await this.#world.until(`call ${call} is ${type}`, () => find() !== undefined)
    const found = find()
    if (found?.type === 'failed') return found.code
    if (found?.type === 'kept') return found.sessions.join(' ')
    if (found?.type !== 'answered' && found?.type !== 'settled') return 'nothing'
    const answer = decodeAnswer(found.answer)
    assert.ok(answer.ok)
    return answer.value.type === 'refused' ? answer.value.code : answer.value.type
  }

  do(command: LockCommand): Promise<string> {
    return this.told(this.send(command))
  }

  keepAlive(...sessions: string[]): Promise<string> {
    const call = ++this.#calls
    this.peer.received({ type: 'keep-alive', call, sessions: sessions.map(sessionId) })
    return this.told(call, 'kept')
  }
}

const open = (name: string): LockCommand => ({
  type: 'open-session',
  session: sessionId(name),
  client: clientId(name),
  ttlMs: 10_000,
  lockDelayMs: 0,
})
const acquire = (name: string, sequence: number, waitMs: number | null = null): Acquire => ({
  type: 'acquire',
  identity: { session: sessionId(name), sequence, confirmed: 0 },
  owner: { client: clientId(name), session: sessionId(name) },
  items: [{ resource: resourceName('r'), mode: 'exclusive' }],
  ttlMs: 0,
  lockDelayMs: 0,
  waitMs,
})
const release = (name: string, sequence: number, token: number): LockCommand => ({
  type: 'release',
  identity: { session: sessionId(name), sequence, confirmed: 0 },
  owner: { client: clientId(name), session: sessionId(name) },
  resource: resourceName('r'),
  proof: { type: 'token', token: fencingToken(token) },
})
const close = (name: string): LockCommand => ({ type: 'close-session', session: sessionId(name) })

test('a wait is answered when it is queued, and again when it is settled, whichever nodes carry the two clients', async () => {
  const world = await LockWorld.start()
  const first = new Visitor(world, await world.leader())
  const second = new Visitor(world, await world.follower())
  first.send(open('a'))
  assert.equal(await first.do(acquire('a', 1)), 'granted')
  second.send(open('b'))
  const waiting = second.send(acquire('b', 1))
  assert.equal(await second.told(waiting), 'queued')
  assert.equal(await first.do(close('a')), 'ended')
  assert.equal(await second.told(waiting, 'settled'), 'granted')
})

test('decision L2: a command that comes again by another node is answered as before, and carried out once', async () => {
  const world = await LockWorld.start()
  const leader = await world.leader()
  const first = new Visitor(world, leader)
  first.send(open('a'))
  assert.equal(await first.do(acquire('a', 1)), 'granted')
  first.peer.gone()
  const again = new Visitor(world, await world.follower())
  assert.equal(await again.do(open('a')), 'session')
  assert.equal(await again.do(acquire('a', 1)), 'granted')
  const view = await world.answer(world.locks(leader.name).lock({ resource_id: 'r' }, new TestCall()))
  assert.ok(view.ok)
  assert.deepEqual(
    view.value.holders.map(({ fencing_token: token }) => token),
    [1],
  )
})

test('the waits of a connection that is gone go on, and are settled on the one that asks for them again', async () => {
  const world = await LockWorld.start()
  const holder = new Visitor(world, await world.leader())
  holder.send(open('a'))
  await holder.do(acquire('a', 1))
  const before = new Visitor(world, await world.follower())
  before.send(open('b'))
  assert.equal(await before.do(acquire('b', 1)), 'queued')
  before.peer.gone()
  const after = new Visitor(world, await world.leader())
  const waiting = after.send(acquire('b', 1))
  assert.equal(await after.told(waiting), 'queued')
  await holder.do(close('a'))
  assert.equal(await after.told(waiting, 'settled'), 'granted')
  assert.ok(before.said.every(({ type }) => type !== 'settled'))
})

test('a lock is handed over to a client of a node that follows without waiting for a heartbeat', async () => {
  const world = await LockWorld.start()
  const first = new Visitor(world, await world.leader())
  const second = new Visitor(world, await world.follower())
  first.send(open('a'))
  second.send(open('b'))
  for (let round = 1; round <= 20; round++) {
    assert.equal(await first.do(acquire('a', 2 * round)), 'granted')
    const waiting = second.send(acquire('b', 2 * round))
    // Not in step with the heartbeats.
    await world.run(437)
    const askedAt = world.scheduler.now
    first.send(release('a', 2 * round + 1, 2 * round - 1))
    assert.equal(await second.told(waiting, 'settled'), 'granted')
    assert.ok(world.scheduler.now - askedAt <= 15, `${world.scheduler.now - askedAt} ms`)
    assert.equal(await second.do(release('b', 2 * round + 1, 2 * round)), 'released')
    for (const [visitor, name] of [
      [first, 'a'],
      [second, 'b'],
    ] as const)
      assert.equal(await visitor.keepAlive(name), 'kept')
  }
})

test('what is not for clients is refused, and changes nothing', async () => {
  const world = await LockWorld.start()
  const leader = await world.leader()
  const visitor = new Visitor(world, leader)
  const node = leader.server.session.id
  assert.ok(node !== null)
  const others: readonly (LockCommand | Uint8Array)[] = [
    Uint8Array.of(99, 1, 2),
    new Uint8Array(0),
    { type: 'expire-due' },
    { type: 'expire-sessions', term: 1, sessions: [node] },
    { type: 'force-release', resource: resourceName('r'), client: null },
    { type: 'configure', mode: 'wait-die' },
    { type: 'skip-tokens', count: 1 },
    { type: 'open-node-session', session: sessionId('n'), node: 'n', ttlMs: 5_000 },
    { ...acquire('a', 1), identity: null },
    // Under the session of a node, which may ask for any client.
    { ...acquire('a', 1), identity: { session: node, sequence: 1, confirmed: 0 } },
    { ...acquire('a', 1), owner: { client: clientId('a'), session: null } },
    {
      type: 'extend',
      identity: { session: sessionId('a'), sequence: 1, confirmed: 0 },
      owner: { client: clientId('a'), session: sessionId('a') },
      resource: resourceName('r'),
      ttlMs: 1_000,
      token: null,
    },
  ]
  for (const command of others) assert.equal(await visitor.told(visitor.send(command), 'failed'), 'invalid_request')
  visitor.send(open('a'))
  assert.equal(await visitor.do(acquire('a', 1)), 'granted')
})

test('a session is kept alive by any node that the client reaches, and one that was lost is told', async () => {
  const world = await LockWorld.start()
  const [leader, follower] = [new Visitor(world, await world.leader()), new Visitor(world, await world.follower())]
  assert.equal(await leader.do(open('a')), 'session')
  assert.equal(await leader.keepAlive('a', 'nobody'), 'kept lost')
  for (let second = 0; second < 15; second++) {
    await world.run(1_000)
    assert.equal(await follower.keepAlive('a'), 'kept')
  }
  await world.until('the session is over', () => follower.said.some(({ type }) => type === 'session-ended'))
  assert.equal(await leader.keepAlive('a'), 'lost')
})

test('a client is told what an operator takes away, who leads, and that its node goes', async () => {
  const world = await LockWorld.start()
  const leader = await world.leader()
  const here = await world.follower()
  const visitor = new Visitor(world, here)
  visitor.send(open('a'))
  assert.equal(await visitor.do(acquire('a', 1)), 'granted')
  const forced = await world.answer(world.locks(here.name).forceRelease({ resource_id: 'r' }, new TestCall()))
  assert.ok(forced.ok)
  await world.until('it is told', () => visitor.said.some(({ type }) => type === 'forced'))
  assert.deepEqual(
    visitor.said.find(({ type }) => type === 'forced'),
    { type: 'forced', session: sessionId('a'), resource: resourceName('r'), token: fencingToken(1) },
  )
  world.crash(leader)
  await world.until('it is told who leads', () =>
    visitor.said.some((message) => message.type === 'leader' && message.leader.node !== leader.name),
  )
  here.server.clients.going()
  assert.equal(visitor.said.at(-1)?.type, 'going')
})

test('a client is welcomed with the nodes that there are, and with who leads', async () => {
  const world = await LockWorld.start({ spares: 1 })
  const leader = await world.leader()
  await world.until('all are members', () => world.nodes.every(({ node }) => node.cluster?.members.length === 4))
  for (const { server, name } of world.nodes.filter(({ founder }) => founder)) {
    const welcome = server.clients.welcome()
    assert.deepEqual([welcome?.node, welcome?.leader], [name, leader.name])
    assert.deepEqual(welcome?.members.map(({ node }) => node).toSorted(), ['n1', 'n2', 'n3', 'n4'])
  }
})

test('who has as many calls open as it may still keeps its session alive, and gives back what it has', async () => {
  const world = await LockWorld.start()
  const visitor = new Visitor(world, await world.leader())
  await visitor.do(open('a'))
  assert.equal(await visitor.do(acquire('a', 1)), 'granted')
  for (let sequence = 2; sequence < serviceLimits.callsPerClientMax + 2; sequence++) visitor.send(acquire('a', sequence))
  const refused = visitor.send(acquire('a', serviceLimits.callsPerClientMax + 2))
  const [kept, released] = [visitor.keepAlive('a'), visitor.send(release('a', 1_000_000, 1))]
  assert.equal(await visitor.told(refused, 'failed'), 'overloaded')
  assert.equal(await kept, 'kept')
  assert.equal(await visitor.told(released), 'released')
})

test('decision L9: a session of a client lives for four of the longest election time-outs of the cluster at least, and the answer says so', async () => {
  const world = await LockWorld.start({ timing: { heartbeatMs: 500, electionMinMs: 3_000, electionMaxMs: 6_000, leaseMs: 2_700 } })
  const visitor = new Visitor(world, await world.follower())
  assert.equal(await visitor.do(open('a')), 'session')
  const told = visitor.said.flatMap((message) => (message.type === 'answered' ? [decodeAnswer(message.answer)] : []))
  assert.deepEqual(told, [{ ok: true, value: { type: 'session', session: sessionId('a'), ttlMs: 24_000 } }])
  await world.run(20_000)
  assert.equal(await visitor.keepAlive('a'), 'kept')
})

test('on a disk that is nearly full nobody is granted anything here either, and what is held is kept and given back', async () => {
  const world = await LockWorld.start()
  const visitor = new Visitor(world, await world.leader())
  await visitor.do(open('a'))
  assert.equal(await visitor.do(acquire('a', 1)), 'granted')
  for (const node of world.nodes) node.low = true
  assert.equal(await visitor.told(visitor.send(acquire('a', 2)), 'failed'), 'disk_full')
  assert.equal(await visitor.keepAlive('a'), 'kept')
  assert.equal(await visitor.do({ type: 'close-session', session: sessionId('a') }), 'ended')
})

test('a program hears of a release of its lock by the name of its client', async () => {
  const world = await LockWorld.start()
  const here = await world.follower()
  const visitor = new Visitor(world, here)
  await visitor.do(open('a'))
  await visitor.do(acquire('a', 1))
  await world.answer(here.server.locks.release({ resource_id: 'r', client_id: 'a', fencing_token: 1 }, new TestCall()))
  await world.until('it is told', () => visitor.said.some(({ type }) => type === 'forced'))
})
