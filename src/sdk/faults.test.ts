import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { encodeAnswer } from '#core/lock/command-codec.ts'
import type { Identity, LockCommand } from '#core/lock/types.ts'
import type { FakeClient } from '#test/harness/sdk-world.ts'
import { SdkWorld } from '#test/harness/sdk-world.ts'
import type { Lock } from './lock.ts'

const identitiesOf = (world: SdkWorld, type: LockCommand['type']): readonly string[] =>
  world.log.flatMap((command) => {
    const identity: Identity | null = command.type === type && 'identity' in command ? command.identity : null
    return identity === null ? [] : [`${identity.session}#${identity.sequence}`]
  })

test('decision L2: when the link breaks, what was not answered is sent again over another one under the same identity', async () => {
  const world = new SdkWorld()
  const { sdk, dialled } = await world.client()
  world.loses = ({ type }) => type === 'answered'
  const asked = sdk.lock('r')
  await world.run(10)
  assert.equal(world.at('r'), 'client/1:exclusive:1 |')
  world.loses = () => false
  world.crash(world.node('n1'))
  world.leader = 'n2'
  const lock = await world.answer(asked)
  assert.equal(lock.fencingToken, 1)
  assert.equal(dialled.length, 2)
  const acquires = identitiesOf(world, 'acquire')
  assert.deepEqual([acquires.length, new Set(acquires).size], [2, 1])
  world.loses = ({ type }) => type === 'answered'
  const released = lock.release()
  await world.run(10)
  world.loses = () => false
  world.cut(world.node(dialled[1] as string))
  await world.answer(released)
  assert.equal(new Set(identitiesOf(world, 'release')).size, 1)
  assert.equal(world.at('r'), '|')
})

test('a request that has overtaken the opening of its session is made again, also when it hears of that last', async () => {
  const world = new SdkWorld()
  const { sdk, sent } = await world.client()
  const [opening, acquire] = [1, 2]
  world.loses = (message) => message.type === 'answered' && message.call === acquire
  const asked = sdk.lock('r')
  await world.run(10)
  assert.deepEqual(
    sent.map((message) => message.call),
    [opening, acquire],
  )
  world.loses = () => false
  world.push({ type: 'answered', call: acquire, answer: encodeAnswer({ type: 'refused', code: 'session_lost', detail: '' }) })
  assert.equal((await world.answer(asked)).fencingToken, 1)
  assert.equal(world.sessions, 1)
})

test('a session that no node could open in time did not expire: its locks are told why it took so long', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client('client', ['n1:1'], 60_000)
  world.node('n1').refuses = 'unavailable'
  const asked = sdk.lock('r')
  const failed = assert.rejects(asked, { code: 'timeout', details: { last: 'unavailable' } })
  await world.run(20_000)
  await failed
})

test('an answer to an earlier attempt says nothing about the last one', async () => {
  const world = new SdkWorld()
  const { sdk, sent } = await world.client()
  const other = await world.client('other')
  const held = await world.answer(other.sdk.lock('r'))
  const opened = await world.answer(sdk.lock('other'))
  await world.answer(opened.release())
  world.node('n1').refuses = 'unavailable'
  const asked = sdk.lock('r')
  await world.run(10)
  const first = sent.at(-1)?.call as number
  world.node('n1').refuses = null
  await world.until('it waits', () => world.at('r').endsWith('| client/1'))
  await world.run(10)
  world.push({ type: 'answered', call: first, answer: encodeAnswer({ type: 'refused', code: 'session_lost', detail: '' }) })
  await world.run(10)
  await world.answer(held.release())
  assert.ok((await world.answer(asked)).isHeld())
})

test('a wait goes on when its node dies, in its place', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client('a')
  const other = await world.client('b')
  const held = await world.answer(other.sdk.lock('r'))
  const first = sdk.lock('r')
  await world.run(10)
  const second = other.sdk.lock('r')
  await world.run(10)
  world.crash(world.node('n1'))
  world.leader = 'n3'
  await world.run(3_000)
  assert.equal(world.at('r'), 'b/1:exclusive:1 | a/1 b/2')
  await world.answer(held.release())
  const lock = await world.answer(first)
  assert.equal(lock.fencingToken, 2)
  await world.answer(lock.release())
  assert.equal((await world.answer(second)).fencingToken, 3)
})

test('a node that follows passes things on, and the client moves to the leader as soon as it hears of it', async () => {
  const world = new SdkWorld()
  world.leader = 'n2'
  const { sdk, dialled } = await world.client('client', ['n1:1'])
  await world.until('it talks to the leader', () => sdk.node === 'n2')
  const held = await world.answer(sdk.lock('r'))
  const waiting = sdk.lock('r')
  await world.run(10)
  world.leader = 'n3'
  world.push({ type: 'leader', leader: { node: 'n3', address: 'n3:1' } })
  await world.until('it talks to the next one', () => sdk.node === 'n3')
  await world.answer(held.release())
  assert.ok((await world.answer(waiting)).isHeld())
  world.push({ type: 'going' })
  await world.until('it leaves a node that goes', () => sdk.node !== 'n3' && sdk.node !== null)
  assert.deepEqual(dialled.slice(0, 3), ['n1', 'n2', 'n3'])
})

test('what a node cannot do now is asked for again until it is done', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  for (const code of ['no_leader', 'unknown', 'stopping', 'unavailable', 'overloaded']) {
    world.node('n1').refuses = code
    const asked = sdk.lock(code)
    await world.run(500)
    world.node('n1').refuses = null
    assert.ok((await world.answer(asked)).isHeld())
  }
  world.node('n1').refuses = 'internal'
  assert.equal(await world.refusal(sdk.lock('r')), 'internal')
})

test('no answer in time ends a call, and whatever came of it is taken back', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  world.loses = ({ type }) => type !== 'kept'
  const before = world.scheduler.now
  assert.equal(await world.refusal(sdk.lock('r')), 'timeout')
  assert.ok(Math.abs(world.scheduler.now - before - 5_000) <= 20)
  assert.equal(world.at('r'), 'client/1:exclusive:1 |', 'it was granted, and nobody knows')
  world.loses = () => false
  world.cut(world.node('n1'))
  await world.until('it is taken back', () => world.at('r') === '|')
  await world.answer(sdk.withLock('r', () => {}))
})

test('a wait whose end nobody tells is over in time, however short the time for an answer', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client('a', ['n1:1', 'n2:1', 'n3:1'], 1_000)
  const other = await world.client('b')
  const held = await world.answer(other.sdk.lock('r'))
  const before = world.scheduler.now
  const waiting = world.refusal(sdk.lock('r', { waitMs: 500 }))
  await world.run(10)
  for (const node of world.nodes) node.silent = true
  assert.equal(await waiting, 'timeout')
  assert.ok(world.scheduler.now - before <= 1_500 + 20, `${world.scheduler.now - before} ms`)
  for (const node of world.nodes) node.silent = false
  await world.answer(held.release())
  await world.until('it does not wait any more', () => world.at('r') === '|')
})

test('a release that takes too long tells so, and goes on', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const lock = await world.answer(sdk.lock('r'))
  world.node('n1').refuses = 'no_leader'
  assert.equal(await world.refusal(lock.release()), 'timeout')
  assert.equal(lock.isHeld(), false)
  world.node('n1').refuses = null
  await world.until('it is released', () => world.at('r') === '|')
})

test('what was done under a lock counts, even if the release takes too long', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const done = sdk.withLock('r', () => {
    world.node('n1').refuses = 'no_leader'
    return 'done'
  })
  assert.equal(await world.answer(done), 'done')
  world.node('n1').refuses = null
  await world.until('it is released', () => world.at('r') === '|')
})

test('a lock that is released while it is being upgraded goes when that is decided', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const [one, two] = await world.answer(Promise.all([sdk.lock('r', { mode: 'shared' }), sdk.lock('r', { mode: 'shared' })]))
  const upgrading = world.answer(one.upgrade())
  await world.run(10)
  assert.equal(await world.refusal(one.release()), 'timeout')
  await world.answer(two.release())
  assert.equal(await upgrading, true)
  await world.until('it is released', () => world.at('r') === '|')
})

test('decision L3: a wait that is aborted leaves the queue', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  await world.answer(sdk.lock('r'))
  const ending = new AbortController()
  const waiting = sdk.lock('r', { signal: ending.signal })
  await world.run(10)
  assert.match(world.at('r'), /\| client\/2$/)
  const reason = new Error('enough')
  ending.abort(reason)
  await assert.rejects(world.answer(waiting), { code: 'aborted', cause: reason })
  await world.run(10)
  assert.equal(world.at('r'), 'client/1:exclusive:1 |')
  assert.equal(await world.refusal(sdk.lock('r', { signal: ending.signal })), 'aborted')
})

test('decision L3: aborted in any moment, a request is either held by its caller or by nobody', async () => {
  for (let after = 0; after <= 8; after++) {
    const world = new SdkWorld()
    const { sdk } = await world.client()
    const held = await world.answer(sdk.lock('r'))
    const ending = new AbortController()
    const waiting = sdk.lock('r', { signal: ending.signal }).catch(() => null)
    await world.run(4)
    const released = held.release()
    await world.run(after)
    ending.abort()
    const lock = await world.answer(waiting)
    await world.answer(released)
    await world.run(20)
    assert.equal(world.at('r'), lock === null ? '|' : 'client/2:exclusive:2 |', `aborted ${after} ms after the release`)
    if (lock !== null) await world.answer(lock.release())
    assert.equal((await world.answer(sdk.lock('r', { ifAvailable: true })))?.isHeld(), true)
  }
})

test('a role is led by one, taken over when that loses it, and campaigned for again', async () => {
  const world = new SdkWorld()
  const [a, b] = [await world.client('a'), await world.client('b')]
  const story: string[] = []
  const campaign = (client: FakeClient, name: string) =>
    client.sdk.elect('role', {
      onLeader: async (signal, token) => {
        story.push(`${name} leads by ${token}`)
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve)
        })
        story.push(`${name} stops`)
      },
      onFollower: () => void story.push(`${name} follows`),
    })
  const first = campaign(a, 'a')
  await world.until('a leads', () => first.isLeader)
  const second = campaign(b, 'b')
  await world.run(100)
  a.machine.pause()
  await world.until('b leads', () => second.isLeader)
  a.machine.resume()
  await world.until('a has stopped', () => story.includes('a stops'))
  await world.run(500)
  assert.deepEqual(story, ['a follows', 'a leads by 1', 'b follows', 'b leads by 2', 'a stops', 'a follows'])
  await world.answer(second.close())
  await world.until('a leads again', () => first.isLeader)
  await world.answer(first.close())
  assert.equal(world.at('role'), '|')
  await world.answer(Promise.all([first.done, second.done]))
})

test('a leader that throws ends its campaign, and the role is free', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const election = sdk.elect('role', {
    onLeader: () => {
      throw new Error('no')
    },
  })
  await assert.rejects(world.answer(election.done), /^Error: no$/)
  assert.equal(world.at('role'), '|')
})

/** Clients that take locks while links break, nodes die, answers get lost and processes are paused. */
class Storm {
  readonly world = new SdkWorld()
  readonly #prng: Prng
  readonly #held = new Map<string, Map<Lock, number>>()
  readonly outcomes = new Map<string, number>()
  clients: FakeClient[] = []
  #running = true

  constructor(seed: number) {
    this.#prng = new Prng(seed)
    this.world.delayMs = () => this.#prng.between(1, 8)
  }

  async start(): Promise<void> {
    for (const name of ['a', 'b', 'c']) this.clients.push(await this.world.client(name))
    this.world.loses = () => this.#prng.chance(0.02)
    for (const { sdk, machine } of this.clients) {
      for (let task = 0; task < 3; task++) void this.#drive(() => this.#ask(sdk, machine), machine)
    }
  }

  async rage(ms: number): Promise<void> {
    const { world } = this
    const end = world.scheduler.now + ms
    while (world.scheduler.now < end) {
      await world.run(1)
      this.check()
      if (this.#prng.chance(0.004)) this.#strike()
    }
    this.#running = false
    for (const node of world.nodes) Object.assign(node, { up: true, silent: false, refuses: null })
    for (const { machine } of this.clients) machine.resume()
    world.loses = () => false
    for (const node of world.nodes) world.cut(node)
  }

  /** Of those who believe to hold a lock, a writer is alone. */
  check(): void {
    for (const [name, locks] of this.#held) {
      const believers = [...locks.keys()].filter((lock) => lock.isHeld())
      const writers = believers.filter(({ mode }) => mode === 'exclusive')
      assert.ok(writers.length === 0 || believers.length === 1, `${believers.length} hold ${name} at ${this.world.scheduler.now}`)
    }
  }

  #ask(sdk: FakeClient['sdk'], clock: FakeClient['machine']): Promise<Lock | null> {
    const prng = this.#prng
    const ending = new AbortController()
    if (prng.chance(0.2)) clock.after(prng.between(0, 1_000), () => ending.abort())
    const mode = prng.chance(0.3) ? 'shared' : 'exclusive'
    const waitMs = prng.chance(0.5) ? prng.between(0, 3_000) : undefined
    return sdk.lock(`r${prng.between(1, 2)}`, { mode, waitMs, signal: ending.signal })
  }

  async #drive(ask: () => Promise<Lock | null>, clock: FakeClient['machine']): Promise<void> {
    const rest = (msMax: number): Promise<void> => new Promise((resolve) => void clock.after(this.#prng.between(1, msMax), resolve))
    while (this.#running) {
      try {
        const lock = await ask()
        if (lock === null) continue
        const locks = this.#held.get(lock.name) ?? new Map<Lock, number>()
        this.#held.set(lock.name, locks.set(lock, lock.fencingToken))
        // Some hold on for longer than a lease lasts without keep-alives.
        await rest(this.#prng.chance(0.1) ? 20_000 : 60)
        const released = lock.release()
        locks.delete(lock)
        await released
        this.#count(lock.lost ?? 'released')
      } catch (error) {
        this.#count((error as { readonly code?: string }).code ?? String(error))
        await rest(60)
      }
    }
  }

  #strike(): void {
    const { world } = this
    const prng = this.#prng
    const node = prng.pick(world.nodes)
    const { machine } = prng.pick(this.clients)
    const strikes: readonly (() => void)[] = [
      () => world.cut(node),
      () => (node.up ? world.crash(node) : (node.up = true)),
      () => (node.silent = !node.silent),
      () => (node.refuses = node.refuses === null ? prng.pick(['no_leader', 'unknown']) : null),
      () => (machine.paused ? machine.resume() : machine.pause()),
      () => (world.leader = prng.pick(world.nodes).name),
    ]
    prng.pick(strikes)()
    if (world.nodes.every(({ up, silent }) => !up || silent)) Object.assign(world.nodes[0] as object, { up: true, silent: false })
  }

  #count(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
  }
}

test(
  'through all that can break, no two clients believe that they hold a lock, and in the end nothing is left behind',
  { timeout: 60_000 },
  async (t) => {
    const total = new Map<string, number>()
    for (let seed = 1; seed <= 6; seed++) {
      const storm = new Storm(seed)
      await storm.start()
      await storm.rage(40_000)
      await storm.world.run(15_000)
      await storm.world.answer(Promise.all(storm.clients.map(({ sdk }) => sdk.close())))
      await storm.world.run(12_000)
      assert.deepEqual([storm.world.at('r1'), storm.world.at('r2'), storm.world.sessions], ['|', '|', 0], `seed ${seed}`)
      for (const [outcome, count] of storm.outcomes) total.set(outcome, (total.get(outcome) ?? 0) + count)
    }
    t.diagnostic(JSON.stringify(Object.fromEntries(total)))
    assert.ok((total.get('released') ?? 0) > 100)
    for (const outcome of ['expired', 'lease_expired', 'lock_timeout', 'timeout', 'aborted'])
      assert.ok((total.get(outcome) ?? 0) > 0, `${outcome} never came`)
  },
)

test('a release that the service will never carry out ends its session, so that the lock is not held for ever', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const lock = await world.answer(sdk.lock('r'))
  for (const { name } of world.nodes) world.node(name).refuses = 'forbidden'
  assert.equal(await world.refusal(lock.release()), 'forbidden')
  for (const { name } of world.nodes) world.node(name).refuses = null
  await world.run(20_000)
  assert.equal(world.at('r'), '|')
})
