import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { logIndex } from '#core/raft/types.ts'
import type { Entry, LogIndex, LogRange, RoleChange } from '#core/raft/types.ts'
import type { ApplyContext } from '#runtime/state-machine.ts'
import { RegisterMachine } from '#services/register/register-machine.ts'
import { RedisWorld } from '#test/harness/redis-world.ts'
import type { WorldNode } from '#test/harness/redis-world.ts'
import { parseCommand } from '#wire/command.ts'

const three = ['a', 'b', 'c']
const addition = { type: 'add', key: 'k', by: 1 } as const

const loads = (world: RedisWorld): number[] => three.map((name) => world.slots.filter((slot) => world.servers(slot)[0] === name).length)

function readEntry(world: RedisWorld, { node }: WorldNode, index: number): Entry | null {
  const entries: (Entry | null)[] = []
  node.readEntry(1, logIndex(index), (entry) => entries.push(entry))
  world.until('the entry is read', () => entries.length === 1)
  return entries[0] ?? null
}

test('commands of every node reach the owner, and are carried out in one order', () => {
  const world = new RedisWorld({ names: three })
  const owner = world.settled()
  deepEqual(
    three.map((name) => world.add(name)),
    [1, 2, 3],
  )
  equal(world.read(owner), 3)
  deepEqual(
    three.filter((name) => world.read(name) !== null),
    [owner],
  )
  for (const { node, name } of world.nodes) {
    equal(node.leaderOf(1), owner)
    deepEqual(node.nodesOf(1), name === owner ? [] : [owner])
    equal(node.leadership(1) === null, name !== owner)
  }
})

test('a node that dies is followed by another within 5 s, and nothing that was answered is lost', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new RedisWorld({ names: three }, seed)
    const owner = world.settled()
    for (let sum = 1; sum <= 5; sum++) equal(world.add('a'), sum)
    world.run(seed * 25)
    world.crash(owner)
    const other = three.find((name) => name !== owner) ?? ''
    const outcomes = world.submit(other, addition)
    const tookMs = world.until('another node answers', () => outcomes.length === 1)
    equal(outcomes[0], 6)
    ok(tookMs < 5_000, `it took ${tookMs} ms`)
  }
})

test('a command that its owner died over is answered by the next one, and carried out once', () => {
  const world = new RedisWorld({ names: three })
  const owner = world.settled()
  const other = three.find((name) => name !== owner) ?? ''
  equal(world.add(other), 1)
  const outcomes = world.submit(other, addition)
  world.server.fateOf = ({ call }) => {
    if (call === 'append' && !world.get(owner).isDown) world.scheduler.after(0, () => world.crash(owner))
    return 'answered'
  }
  world.until('the owner dies', () => world.get(owner).isDown)
  equal(world.server.slot(1).log.length, 3, 'Redis has it')
  deepEqual(outcomes, [])
  world.until('it is answered', () => outcomes.length === 1)
  deepEqual(outcomes, [2])
  equal(world.add(other), 3)
})

test('slots are spread over the nodes that live, and no node has much more than its share', () => {
  const world = new RedisWorld({ names: three, slots: 32 })
  world.settled()
  world.until('the load is bounded', () => Math.max(...loads(world)) <= 14)
  equal(
    loads(world).reduce((sum, load) => sum + load, 0),
    32,
  )
  world.crash('b')
  world.until('the others have them all', () => world.slots.every((slot) => world.servers(slot).length === 1))
  ok(Math.max(...loads(world)) <= 20)
  world.restart('b')
  world.until('it has its share again', () => Math.max(...loads(world)) <= 14)
  world.run(5_000)
  const quiet = world.slots.map((slot) => world.server.slot(slot).record.epoch)
  world.run(10_000)
  deepEqual(
    world.slots.map((slot) => world.server.slot(slot).record.epoch),
    quiet,
    'and then nothing moves',
  )
})

test('a node that stops hands its slots over at once, and no command fails', () => {
  const world = new RedisWorld({ names: three, slots: 4 })
  const owner = world.settled()
  const other = three.find((name) => name !== owner) ?? ''
  equal(world.add(other), 1)
  let isStopped = false
  const outcomes = [1, 2, 3].map(() => world.submit(other, addition))
  world.get(owner).node.stop(() => {
    isStopped = true
  })
  const tookMs = world.until('all are answered', () => isStopped && outcomes.every(({ length }) => length === 1))
  deepEqual(
    outcomes.flat().toSorted((left, right) => Number(left) - Number(right)),
    [2, 3, 4],
  )
  ok(tookMs < 1_000, `it took ${tookMs} ms`)
  equal(world.server.members.length, 2)
})

/** Bodies of every fifth entry are alive. */
class KeepingMachine extends RegisterMachine {
  readonly #indexes = new Set<LogIndex>()

  override apply(command: Uint8Array, context: ApplyContext): Uint8Array {
    if (context.index % 5 === 0) this.#indexes.add(context.index)
    for (const index of this.#indexes) if (index < context.index - 60) this.#indexes.delete(index)
    return super.apply(command, context)
  }

  override readonly bodies = {
    live: (): LogRange[] => [...this.#indexes].map((index) => ({ from: index, to: index })),
    dead: (): LogRange[] => [],
    dropped: (): void => {},
  }
}

test('a log that has grown is cut behind a snapshot, live entries stay readable on every node, and a successor goes on from there', () => {
  const compaction = { entries: 50, bytes: 1e9, keepEntries: 0 }
  const world = new RedisWorld({ names: three, compaction, machineFor: () => new KeepingMachine() })
  const owner = world.settled()
  for (let sum = 1; sum <= 230; sum++) equal(world.add(owner), sum)
  world.run(100)
  const { snapshot, tail } = world.server.slot(1).record
  const cut = snapshot?.index ?? 0
  ok(cut >= 200 && tail.index >= 231)
  const indexes = world.server.slot(1).log.map(({ entry }) => Number(entry.index))
  const live = Array.from({ length: cut }, (_, at) => at + 1).filter((index) => index % 5 === 0 && index >= cut - 60)
  deepEqual(
    indexes.filter((index) => index <= cut),
    live,
  )
  for (const node of world.nodes) {
    equal(readEntry(world, node, live[0] ?? 0)?.index, live[0])
    equal(readEntry(world, node, (live[0] ?? 0) + 1), null)
  }
  world.crash(owner)
  const other = three.find((name) => name !== owner) ?? ''
  equal(world.add(other), 231)
})

test('decision R5: machine time goes on where it was, at the pace of the owner, and stands still while nobody owns the slot', () => {
  const world = new RedisWorld({ names: three })
  const owner = world.settled()
  world.get(owner).machine.jumpWall(600_000)
  equal(world.add(owner), 1)
  world.run(60_000)
  equal(world.add(owner), 2)
  const [, first, second] = world.server.slot(1).log.map(({ entry }) => entry)
  ok(Math.abs((second?.time ?? 0) - (first?.time ?? 0) - 60_000) < 100)
  world.crash(owner)
  const other = three.find((name) => name !== owner) ?? ''
  equal(world.add(other), 3)
  const third = world.server.slot(1).log.at(-1)?.entry
  const passed = (third?.time ?? 0) - (second?.time ?? 0)
  ok(passed >= 0 && passed < 2_000, `${passed} ms of machine time`)
  equal(third?.term, 2)
})

test('decision R9: the machine of a slot behaves as the version that every member knows', () => {
  const newer = (name: string): number => (name === 'a' ? 1 : 2)
  const mixed = new RedisWorld({ names: three, machineVersion: newer })
  mixed.settled()
  mixed.run(5_000)
  const versions = (world: RedisWorld): string[] =>
    world.server
      .slot(1)
      .log.map(({ entry }) => (entry.payload.type === 'command' ? parseCommand(entry.payload.bytes)?.type : null) ?? '')
      .filter((type) => type === 'set-version')
  deepEqual(versions(mixed), [])
  const same = new RedisWorld({ names: three, machineVersion: () => 2 })
  const owner = same.settled()
  same.run(5_000)
  equal(versions(same).length, 1)
  equal(same.slot(owner).applier?.machine.version, 2)
})

test('a service hears of owners, of entries, and of questions of its kind on other nodes', () => {
  const changes: (readonly [string, RoleChange])[] = []
  let advances = 0
  const world = new RedisWorld({
    names: three,
    hooks: (name) => ({
      roleChanged: (_group, change) => changes.push([name, change]),
      advanced: () => advances++,
      asked: (group, question, answer) => answer(new Uint8Array([group, ...question])),
    }),
  })
  const owner = world.settled()
  world.run(1_000)
  equal(world.add(owner), 1)
  ok(advances > 0)
  deepEqual(
    changes.filter(([, { role }]) => role === 'leader').map(([name]) => name),
    [owner],
  )
  for (const name of three) equal(changes.findLast(([who]) => who === name)?.[1].leader?.split('/')[0], owner)
  const answers: (string | null)[] = []
  for (const to of three) {
    world.get('a').node.ask(to, 1, new Uint8Array([7]), { timeoutMs: 500, done: (answer) => answers.push(answer?.join() ?? null) })
  }
  world.until('all have answered', () => answers.length === 3)
  deepEqual(answers, ['1,7', '1,7', '1,7'])
})

test('an index that was read is at or behind everything that was answered, on every node', () => {
  const world = new RedisWorld({ names: three })
  world.settled()
  equal(world.add('b'), 1)
  const { index } = world.server.slot(1).record.tail
  const read: (number | null)[] = []
  for (const { node } of world.nodes) node.readIndex(1, { timeoutMs: 500, done: (at) => read.push(at) })
  world.until('all have read', () => read.length === 3)
  deepEqual(read, [index, index, index])
})

test('what only the owner may decide is refused elsewhere', () => {
  const world = new RedisWorld({ names: three })
  const owner = world.settled()
  world.run(1_000)
  const outcomes: string[] = []
  for (const { node, name } of world.nodes) {
    node.propose(1, new Uint8Array([0xc0]), (outcome) => outcomes.push(`${name === owner} ${outcome.type}`))
  }
  world.until('all are answered', () => outcomes.length === 3)
  deepEqual(outcomes.toSorted(), ['false refused', 'false refused', 'true applied'])
})

test('a Redis that may lose what it has answered is refused, and the setting is named, unless that is wanted', () => {
  const wrong = { appendonly: 'no', appendfsync: 'everysec', maxmemoryPolicy: 'allkeys-lru', version: '5.0.14', replicas: 1 }
  const names = { ...wrong, appendonly: 'appendonly is', appendfsync: 'appendfsync is', maxmemoryPolicy: 'maxmemory-policy is' }
  for (const [key, value] of Object.entries(wrong)) {
    const named = new RegExp(String(names[key as keyof typeof names]))
    for (const relaxed of [false, true]) {
      const world = new RedisWorld({ names: ['a'], relaxed })
      const safe = world.server.settings
      world.server.settings = { ...safe, [key]: value }
      world.run(3_000)
      deepEqual(world.servers(), relaxed ? ['a'] : [])
      const { standing } = world.get('a').node
      if (relaxed) equal(standing.notReadyBecause, null)
      else match(standing.notReadyBecause ?? '', named)
      match(standing.warnings.join(), named)
      world.server.settings = safe
      world.run(5_000)
      deepEqual([world.servers(), standing.notReadyBecause], [['a'], null], 'once it is mended it is used')
    }
  }
})

test('replicas of which each confirms every write are no danger', () => {
  const world = new RedisWorld({ names: ['a'], replicas: 2 })
  world.server.settings = { ...world.server.settings, replicas: 2 }
  world.run(3_000)
  deepEqual(world.servers(), ['a'])
})

test('a node tells why it is not ready: no Redis, slots without an owner', () => {
  const world = new RedisWorld({ names: three, slots: 6 })
  const { standing } = world.get('a').node
  equal(standing.notReadyBecause, 'Redis was not reached yet')
  equal(standing.clusterId, null)
  world.settled()
  world.until('a knows all owners', () => standing.notReadyBecause === null)
  world.server.cutOff('a')
  world.until('it notices', () => standing.notReadyBecause?.startsWith('Redis cannot be used') === true)
  world.server.heal()
  world.until('it is ready again', () => standing.notReadyBecause === null)
  for (const name of ['b', 'c']) world.crash(name)
  world.until('it has them all', () => world.slots.every((slot) => world.servers(slot)[0] === 'a'))
  world.get('a').machine.pause()
  world.run(3_000)
  world.get('a').machine.resume()
  equal(standing.notReadyBecause, 'no owner is known for slot 1, 2, 3, 4, 5, 6')
})

test('a node tells who is there, who owns what, and how its own slots stand', () => {
  const world = new RedisWorld({ names: three, slots: 6 })
  world.settled()
  world.run(1_000)
  const told = world.nodes.map(({ node: { standing } }) => standing)
  for (const standing of told) {
    equal(standing.engine, 'redis')
    deepEqual(
      standing.members.map(({ name, state }) => `${name} ${state}`),
      ['a active', 'b active', 'c active'],
    )
    for (const slot of world.slots) deepEqual(standing.holdersOf(slot), world.servers(slot))
  }
  deepEqual(
    told.flatMap((standing) => standing.groups().map(({ group }) => group)).toSorted((left, right) => left - right),
    world.slots,
  )
  const before = told[0]?.tableVersion ?? 0
  world.crash('b')
  world.run(6_000)
  ok((told[0]?.tableVersion ?? 0) > before, 'the table has changed')
  deepEqual(
    told[0]?.members.map(({ state }) => state),
    ['active', 'dead', 'active'],
  )
  world.restart('b')
  world.run(1_000)
  deepEqual(
    told[0]?.members.map(({ state }) => state),
    ['active', 'active', 'active'],
    'a node that was started again is listed once',
  )
})

test('a slot that has failed is named by every node, and does not keep the others from being ready', () => {
  const world = new RedisWorld({ names: three, slots: 2 })
  const owner = world.settled()
  world.add(owner)
  world.server.slot(1).fail(world.server.slot(1).record, 'entries are missing')
  world.crash(owner)
  const { standing } = world.get(three.find((name) => name !== owner) ?? '').node
  world.until('the other slot is served', () => world.servers(2).length === 1)
  world.run(1_000)
  deepEqual(standing.warnings, ['slot 1 has failed and is not served: entries are missing'])
  equal(standing.notReadyBecause, null)
})

test('a node whose Redis has become that of another cluster stops, and says so', () => {
  const world = new RedisWorld({ names: ['a'] })
  const { cluster, members } = world.server.replicate()
  world.settled()
  equal(cluster, null)
  world.server.failOver({ cluster: { id: 'another', slots: 1 }, members, slots: new Map() })
  world.run(1_000)
  equal(world.get('a').fatal[0]?.type, 'other-cluster')
  deepEqual(world.servers(), [])
})

test('of two processes under one name the later one stops, and a former life that is silent does no harm', () => {
  const elder = { id: 'a/elder', address: 'elsewhere:1', version: 1 }
  for (const { beats, before, stops } of [
    { beats: [7, 8], before: true, stops: true },
    { beats: [7], before: true, stops: false },
    { beats: [7, 8], before: false, stops: false },
  ]) {
    const world = new RedisWorld({ names: ['a'] })
    if (before) world.server.beat({ ...elder, beat: 6 })
    world.run(1_000)
    for (const beat of beats) {
      world.server.beat({ ...elder, beat })
      world.run(600)
    }
    deepEqual(
      world
        .get('a')
        .fatal.map(({ type }) => type)
        .slice(0, 1),
      stops ? ['name-taken'] : [],
    )
  }
})

test('the first node says how many slots there are, for good', () => {
  const world = new RedisWorld({ names: ['a'], slots: 3 })
  world.settled()
  const later = new RedisWorld({ names: ['a'], slots: 5 })
  later.server.found({ id: 'c', slots: 3 })
  later.run(3_000)
  equal(later.get('a').node.host.slots.size, 3)
  equal(world.get('a').node.host.slots.size, 3)
})
