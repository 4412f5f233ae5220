import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { logIndex } from '#core/raft/types.ts'
import type { Arriving, Fate } from '#sim/redis/redis-server.ts'
import { RedisWorld } from '#test/harness/redis-world.ts'
import type { Outcome } from '#test/harness/redis-world.ts'

const three = ['a', 'b', 'c']

interface Settled {
  readonly world: RedisWorld
  readonly owner: string
  readonly others: readonly string[]
}

const settled = (): Settled => {
  const world = new RedisWorld({ names: three })
  const owner = world.settled()
  return { world, owner, others: three.filter((name) => name !== owner) }
}

/** The first call of this kind gets this fate, all others are answered. */
function once(world: RedisWorld, call: string, fate: Fate): { count: number } {
  const seen = { count: 0 }
  world.server.fateOf = (arriving: Arriving) => (arriving.call === call && ++seen.count === 1 ? fate : 'answered')
  return seen
}

const addition = { type: 'add', key: 'k', by: 1 } as const
const last = (outcomes: readonly Outcome[]): Outcome | undefined => outcomes[0]
const logged = (world: RedisWorld, event: string): boolean => world.nodes.some((node) => node.logged.some((line) => line.includes(event)))

test('decision Q2: an owner that slept through its lease, and wakes when another owns the slot, writes nothing and answers no question', () => {
  const { world, owner, others } = settled()
  const [other = ''] = others
  equal(world.add(owner), 1)
  const sleeper = world.get(owner)
  const late = world.submit(owner, addition)
  sleeper.machine.pause()
  world.until('another owns the slot', () => world.servers().some((name) => name !== owner))
  equal(world.add(other), 2)
  const asked: (Uint8Array | null)[] = []
  sleeper.machine.run(sleeper.machine.life, () => {
    sleeper.node.query(1, new Uint8Array([0x6b]), { timeoutMs: 5, done: (answer) => asked.push(answer) })
  })
  sleeper.machine.resume()
  world.until('what it was asked is answered', () => late.length === 1 && asked.length === 1)
  deepEqual([late, asked], [[3], [null]])
  deepEqual(world.servers(), [world.slot(other).owner?.split('/')[0]])
  equal(world.server.slot(1).record.tail.index, world.server.slot(1).log.length)
})

test('decision Q2: a beat that is confirmed after a lease has lapsed does not bring back what the owner knew', () => {
  const { world, owner, others } = settled()
  equal(world.add(owner), 1)
  const sleeper = world.get(owner)
  sleeper.machine.pause()
  world.until('another owns the slot', () => world.servers().some((name) => name !== owner))
  equal(world.add(others[0] ?? ''), 2)
  sleeper.machine.resume()
  for (let step = 0; step < 20_000; step++) {
    world.run(0.1)
    ok(!world.servers().includes(owner), `it serves the slot of another ${step / 10} ms after it woke`)
  }
})

test('decision Q2: an owner that does not reach Redis stops at the end of its lease, before another may begin', () => {
  const { world, owner } = settled()
  world.server.cutOff(owner)
  const began = world.scheduler.now
  let stoppedAt = 0
  let takenAt = 0
  world.until('another owns the slot', () => {
    const servers = world.servers()
    if (stoppedAt === 0 && !servers.includes(owner)) stoppedAt = world.scheduler.now
    if (takenAt === 0 && servers.some((name) => name !== owner)) takenAt = world.scheduler.now
    ok(servers.length <= 1, 'nobody serves beside another')
    return takenAt > 0
  })
  ok(
    stoppedAt <= began + 2_010 && takenAt - began < 5_000,
    `it stopped after ${stoppedAt - began} ms, another began after ${takenAt - began} ms`,
  )
})

test('decision Q2: a node that is not sure whether it has claimed a slot finds out, and serves it', () => {
  for (const fate of ['unanswered', 'unconfirmed', 'lost'] as const) {
    const world = new RedisWorld({ names: ['a'] })
    const claims = once(world, 'claim', fate)
    world.settled()
    equal(world.add('a'), 1)
    ok(claims.count >= 1, fate)
    equal(world.server.slot(1).record.epoch, 1, 'nobody else had it in between')
  }
})

test('decision Q2: an unconfirmed beat does not prolong a lease', () => {
  const { world, owner } = settled()
  world.server.fateOf = ({ call, from }) => (call === 'beat' && from === owner ? 'unconfirmed' : 'answered')
  world.run(2_100)
  equal(world.servers().includes(owner), false)
  equal(world.get(owner).node.leadership(1), null)
})

test('decision Q3: what Redis loses at a fail-over its owner appends again, under the same indexes', () => {
  const { world, owner } = settled()
  for (let sum = 1; sum <= 3; sum++) equal(world.add(owner), sum)
  const lagging = world.server.replicate()
  for (let sum = 4; sum <= 8; sum++) equal(world.add(owner), sum)
  const before = world.server.slot(1).log
  world.server.failOver(lagging)
  ok(world.server.slot(1).log.length < before.length)
  equal(world.add(owner), 9)
  deepEqual(world.server.slot(1).log.slice(0, before.length), before)
  ok(logged(world, 'entries-restored'))
})

test('decision Q3: an owner whose lease lapsed while its beat was under way asserts its ownership before it goes on', () => {
  const { world, owner } = settled()
  equal(world.add(owner), 1)
  const { node, machine } = world.get(owner)
  const { leaseUntil } = node.host
  world.until('a beat is confirmed', () => node.host.leaseUntil > leaseUntil)
  world.run(400)
  const lapses = world.scheduler.now + node.host.leaseUntil - machine.now()
  const asserted = once(world, 'assertOwner', 'answered')
  world.server.heldMs = () => Math.max(0, lapses + 100 - world.scheduler.now)
  world.run(lapses + 50 - world.scheduler.now)
  deepEqual([world.servers(), asserted.count], [[], 0])
  const outcomes = world.submit(owner, addition)
  world.run(100)
  deepEqual([world.servers(), asserted.count, outcomes], [[owner], 1, [2]])
})

test('decision Q3: after a fail-over nothing is appended before the ownership was asserted', () => {
  const { world, owner } = settled()
  equal(world.add(owner), 1)
  const calls: string[] = []
  world.server.fateOf = ({ call, slot }) => {
    if (slot === 1) calls.push(call)
    return 'answered'
  }
  world.server.restart()
  world.run(300)
  equal(world.add(owner), 2)
  deepEqual(calls.slice(0, 2), ['assertOwner', 'append'])
})

/** The interleaving of decision Q3: a paused owner, its successor, and a fail-over that forgets the successor. */
function forgottenSuccessor(): Settled & { readonly successor: string } {
  const { world, owner, others } = settled()
  equal(world.add(owner), 1)
  const lagging = world.server.replicate()
  world.get(owner).machine.pause()
  world.until('another owns the slot', () => world.servers().some((name) => name !== owner))
  const successor = world.servers().find((name) => name !== owner) ?? ''
  equal(world.add(successor), 2)
  world.server.failOver(lagging)
  equal(world.server.slot(1).record.epoch, 1)
  return { world, owner, others, successor }
}

test('decision Q3: an owner whose successor was forgotten by a fail-over steps down when the successor has come back', () => {
  const { world, owner, successor } = forgottenSuccessor()
  world.until('the successor has come back', () => world.server.slot(1).record.epoch === 2 && world.slot(successor).isServing)
  world.get(owner).machine.resume()
  equal(world.add(owner), 3)
  deepEqual(world.servers(), [successor])
  equal(world.server.slot(1).log.filter(({ entry }) => entry.term === 1).length, 2, 'an origin and one command')
})

test('decision Q3: two owners that both were answered by a Redis that forgot: the slot fails for all to see, until a person decides', () => {
  const { world, owner, successor } = forgottenSuccessor()
  world.get(successor).machine.pause()
  world.get(owner).machine.resume()
  world.until('the former owner goes on', () => world.slot(owner).isServing)
  equal(world.add(owner), 2)
  world.get(owner).machine.pause()
  world.get(successor).machine.resume()
  world.until('it is found out', () => world.server.slot(1).record.failed !== null)
  world.get(owner).machine.resume()
  world.run(10_000)
  deepEqual(world.servers(), [])
  ok(logged(world, 'error slot-failed'))
  equal(last(world.submit(successor, addition, { timeoutMs: 500 })), undefined)
  world.server.slot(1).forgive()
  world.settled()
  equal(world.add(owner), 3)
})

test('decision Q3: a log that lost more than its owner remembers fails the slot', () => {
  const { world, owner } = settled()
  const empty = world.server.replicate()
  const value = 'x'.repeat(200_000)
  for (let count = 0; count < 25; count++) {
    const outcomes = world.submit(owner, { type: 'add', key: value, by: 1 })
    world.until('it is answered', () => outcomes.length === 1)
  }
  world.server.failOver(empty)
  world.until('it is found out', () => world.server.slot(1).record.failed !== null)
  world.run(5_000)
  deepEqual(world.servers(), [])
})

test('decision Q4: an append whose answer is lost is carried out once, and its command answered once', () => {
  for (const fate of ['unanswered', 'lost', 'unconfirmed'] as const) {
    const { world, owner } = settled()
    equal(world.add(owner), 1)
    const entries = world.server.slot(1).log.length
    const appends = once(world, 'append', fate)
    equal(world.add(owner), 2)
    equal(appends.count, 2, `${fate}: the batch was sent again`)
    equal(world.server.slot(1).log.length, entries + 1)
    equal(world.read(owner), 2)
  }
})

test('decision Q4: nothing is applied, answered or read before it is confirmed', () => {
  const { world, owner } = settled()
  equal(world.add(owner), 1)
  world.server.fateOf = ({ call }) => (call === 'append' ? 'unconfirmed' : 'answered')
  const outcomes = world.submit(owner, addition)
  world.run(1_500)
  equal(world.server.slot(1).log.length, 3, 'Redis has it')
  deepEqual(outcomes, [])
  equal(world.slot(owner).applier?.last.index, logIndex(2))
  world.server.fateOf = () => 'answered'
  world.until('it is confirmed', () => outcomes.length === 1)
  deepEqual(outcomes, [2])
})

test('decision Q4: a batch that Redis already has is confirmed by a new write', () => {
  const { world, owner } = settled()
  equal(world.add(owner), 1)
  const calls: string[] = []
  let broken = false
  world.server.fateOf = ({ call, slot }) => {
    if (slot === 1) calls.push(call)
    if (call !== 'append' || broken) return 'answered'
    broken = true
    return 'unanswered'
  }
  equal(world.add(owner), 2)
  deepEqual(calls, ['append', 'assertOwner', 'append'])
})
