import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import type { RoleChange } from '#core/raft/types.ts'
import { decodeRegisterAnswer, encodeRegisterCommand } from '#services/register/register-machine.ts'
import { wireLimits } from '#wire/limits.ts'
import type { PeerMessage, ProposalOutcome } from '#wire/peer-message.ts'
import { runtimeLimits } from './limits.ts'
import { Reads } from './reads.ts'
import { nodeNameOf } from './replica-name.ts'
import { Router } from './router.ts'
import { Routes } from './routes.ts'
import { replicaOn, timing, World } from '#test/harness/runtime-world.ts'

const three = ['a', 'b', 'c']

interface Client {
  readonly router: Router
  readonly reads: Reads
  /** As a node does when its own replica says so. */
  leads(leader: string): void
  add(by: number, timeoutMs?: number): ProposalOutcome[]
}

function clientOn(world: World, name: string): Client {
  const { host, machine: clock } = world.get(name)
  const prng = new Prng(7)
  const routes = new Routes(host, prng, { self: name, nodesOf: () => three.filter((other) => other !== name) })
  const router = new Router(host, { clock, prng }, routes)
  return {
    router,
    reads: new Reads(host, { clock, prng }, routes),
    leads(leader) {
      routes.leads(1, leader)
      router.wake(1)
    },
    add(by, timeoutMs = 5_000) {
      const told: ProposalOutcome[] = []
      const body = encodeRegisterCommand({ type: 'add', key: 'k', by })
      router.submit(1, body, { timeoutMs, done: (outcome) => told.push(outcome) })
      return told
    },
  }
}

interface ClusterOptions {
  seed?: number
  sent?: (from: string, to: string, message: PeerMessage) => void
  roleChanged?: (name: string, group: number, change: RoleChange) => void
}

function cluster(options: ClusterOptions = {}) {
  const world = new World({ names: three, ...options })
  world.found(1)
  const leader = world.elect(1)
  world.run(300)
  const [follower = '', other = ''] = three.filter((name) => name !== leader)
  return { world, leader, follower, other }
}

const valueOn = (world: World, name: string): number | null =>
  decodeRegisterAnswer(world.replica(name, 1).applier.machine.machine.query(new TextEncoder().encode('k'))).value

const kind = (told: readonly ProposalOutcome[]): string[] =>
  told.map((outcome) => (outcome.type === 'refused' ? outcome.code : outcome.type))

test('a command on any node is carried out once by the leader', () => {
  const { world } = cluster()
  const told = three.map((name) => clientOn(world, name).add(1))
  world.run(500)
  deepEqual(told.map(kind), [['applied'], ['applied'], ['applied']])
  equal(valueOn(world, world.elect(1)), 3)
})

test('pitfall 37: a command that is sent again under its number is carried out once, whatever answers get lost', () => {
  for (let seed = 1; seed <= 15; seed++) {
    const { world, leader, follower, other } = cluster({ seed })
    const client = clientOn(world, follower)
    const told = [client.add(1, 20_000)]
    world.run(seed * 0.3)
    // The leader and the others work on, but the answers do not come back.
    world.network.cut(leader, follower)
    told.push(client.add(1, 20_000))
    world.run(1_500)
    if (seed % 2 === 0) world.crash(leader)
    world.network.heal()
    world.until('both are answered', () => told.every((each) => each.length > 0), 25_000)
    deepEqual(told.map(kind), [['applied'], ['applied']])
    const leads = world.elect(1)
    equal(valueOn(world, leads), 2, `seed ${seed}`)
    ok(leads === other || leads === follower || leads === leader)
  }
})

test('pitfall 37: commands that went together and are sent again together are carried out once each', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { world, leader, follower } = cluster({ seed })
    const client = clientOn(world, follower)
    const warm = client.add(1)
    world.until('there is an origin', () => warm.length === 1)
    const told = [1, 10, 100].map((by) => client.add(by, 20_000))
    world.run(0.5)
    world.network.cut(leader, follower)
    // Meanwhile others come, which must not be mixed with those whose fate is open.
    told.push(client.add(1_000, 20_000))
    world.run(1_500)
    world.network.heal()
    world.until('all are answered', () => told.every((each) => each.length > 0), 25_000)
    equal(valueOn(world, world.elect(1)), 1_112, `seed ${seed}`)
  }
})

test('a command that ended as refused is not carried out with those that went with it', () => {
  const { world, leader, follower, other } = cluster()
  const client = clientOn(world, follower)
  const warm = client.add(1)
  world.until('there is an origin', () => warm.length === 1)
  for (const name of [leader, other]) world.crash(name)
  world.until('nobody leads', () => world.replica(follower, 1).raft.leader === null)
  const told = [client.add(10, 100), client.add(100, 20_000)]
  world.run(300)
  deepEqual(told.map(kind), [['not-leader'], []])
  world.restart(leader)
  world.until('the other is answered', () => told.every((each) => each.length > 0), 25_000)
  equal(valueOn(world, world.elect(1)), 101)
})

test('a command and a question behind a paused leader wait for the election and not for a time-out, and are carried out once', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const clients = new Map<string, Client>()
    const { world, leader, follower } = cluster({
      seed,
      roleChanged: (name, _group, { leader: known }) => known !== null && clients.get(name)?.leads(nodeNameOf(known)),
    })
    const client = clientOn(world, follower)
    clients.set(follower, client)
    const warm = client.add(1)
    world.until('there is an origin', () => warm.length === 1)
    world.get(leader).machine.pause()
    const pausedAt = world.scheduler.now
    const told = client.add(1)
    const read: (Uint8Array | null)[] = []
    client.reads.query(1, new TextEncoder().encode('k'), { timeoutMs: 5_000, done: (answer) => read.push(answer) })
    world.until('somebody else leads', () => world.leaders(1).some((name) => name !== leader))
    ok(world.scheduler.now - pausedAt < runtimeLimits.readTimeoutMs + timing.heartbeatMs, `seed ${seed}: one election`)
    world.run(10)
    deepEqual(kind(told), ['applied'], `seed ${seed}: asked again at once`)
    world.run(60)
    equal(read.length, 1)
    world.get(leader).machine.resume()
    world.run(3_000)
    deepEqual(
      three.map((name) => valueOn(world, name)),
      [2, 2, 2],
    )
  }
})

test('a backlog of many commands shares few entries of the log', () => {
  const sizes: number[] = []
  const { world, follower } = cluster({
    sent: (_from, _to, message) => {
      if (message.type === 'request' && message.request.type === 'propose') sizes.push(message.request.commands.length)
    },
  })
  const client = clientOn(world, follower)
  const count = 2 * wireLimits.commandsMax + 100
  const told = Array.from({ length: count }, () => client.add(1))
  world.until('all are answered', () => told.every(({ length }) => length === 1), 6_000)
  deepEqual([...new Set(told.map((each) => kind(each).join()))], ['applied'])
  equal(valueOn(world, world.elect(1)), count)
  ok(sizes.length < 50, `${sizes.length} entries`)
})

test('commands of many bytes travel in messages of bounded size', () => {
  const sizes: number[] = []
  const { world, follower } = cluster({
    sent: (_from, _to, message) => {
      if (message.type !== 'request' || message.request.type !== 'propose') return
      sizes.push(message.request.commands.reduce((sum, { length }) => sum + length, 0))
    },
  })
  const client = clientOn(world, follower)
  const told: ProposalOutcome[] = []
  for (let commands = 0; commands < 10; commands++) {
    client.router.submit(1, new Uint8Array(400_000), { timeoutMs: 5_000, done: (outcome) => told.push(outcome) })
  }
  client.router.submit(1, new Uint8Array(runtimeLimits.commandBytesMax + 1), { timeoutMs: 5_000, done: (outcome) => told.push(outcome) })
  deepEqual(kind(told), ['invalid'], 'too large for any message')
  world.until('all are answered', () => told.length === 11)
  ok(Math.max(...sizes) <= runtimeLimits.parcelBytesMax + 400_000)
})

test('a command ends when its time is over, refused if it was never sent and unknown if it was', () => {
  const { world, leader, follower, other } = cluster()
  const client = clientOn(world, follower)
  const warm = client.add(1)
  world.until('there is an origin', () => warm.length === 1)
  for (const [from, to] of [
    [leader, follower],
    [leader, other],
    [other, follower],
  ] as const)
    world.network.cut(from, to)
  const long = client.add(1, 4_000)
  world.run(50)
  const short = client.add(1, 300)
  world.run(250)
  deepEqual([kind(long), kind(short)], [[], []])
  world.run(100)
  deepEqual(kind(short).length, 1, 'a shorter time is kept although a longer one runs')
  world.run(4_000)
  deepEqual(kind(long), ['unknown'])
  const alone = new World({ names: three })
  alone.found(1)
  const lonely = clientOn(alone, 'a')
  for (const name of ['b', 'c']) alone.crash(name)
  alone.run(100)
  const never = lonely.add(1, 500)
  alone.run(600)
  deepEqual(kind(never), ['not-leader'])
})

test('pitfall 36: a node with too many open commands, or a leader without a majority, refuses more', () => {
  const { world, leader, follower, other } = cluster()
  const client = clientOn(world, follower)
  for (const name of [leader, other]) world.crash(name)
  for (let commands = 0; commands < runtimeLimits.openProposalsMax; commands++)
    client.router.submit(1, new Uint8Array(1), { timeoutMs: 1e6, done() {} })
  deepEqual(kind(client.add(1)), ['overloaded'])
  const second = cluster()
  const { raft } = second.world.replica(second.leader, 1)
  for (const name of [second.follower, second.other]) second.world.crash(name)
  const outcomes: string[] = []
  for (let rounds = 0; rounds < 40; rounds++) {
    const told = second.world.propose(second.leader, 1, [new Uint8Array(4 * 1024 * 1024)])
    second.world.run(1)
    outcomes.push(...kind(told))
  }
  ok(outcomes.includes('overloaded'))
  ok(raft.lastIndex < 30, 'the log does not grow without bound')
})

test('pitfall 38: two followers that point at each other do not send a command round and round', () => {
  let asked = 0
  const { world, leader, follower, other } = cluster({
    sent: (_from, _to, message) => {
      if (message.type === 'request' && message.request.type === 'propose') asked++
    },
  })
  world.crash(leader)
  // Each is made to believe that the other leads, as after an election that neither has heard the end of.
  for (const [name, believed] of [
    [follower, other],
    [other, follower],
  ] as const) {
    const { raft } = world.replica(name, 1)
    Object.defineProperty(raft, 'leader', { value: replicaOn(believed), configurable: true })
  }
  const told = clientOn(world, follower).add(1, 10_000)
  world.run(400)
  ok(asked <= 30, `${asked} questions in 400 ms`)
  for (const name of [follower, other]) Reflect.deleteProperty(world.replica(name, 1).raft, 'leader')
  world.until('it is carried out after the election', () => told.length === 1)
  deepEqual(kind(told), ['applied'])
})

test('while nobody leads, new commands do not carry the backlog along each time', () => {
  let commands = 0
  const { world, leader, follower } = cluster({
    sent: (_from, _to, message) => {
      if (message.type === 'request' && message.request.type === 'propose') commands += message.request.commands.length
    },
  })
  const client = clientOn(world, follower)
  const warm = client.add(1)
  world.until('there is an origin', () => warm.length === 1)
  world.crash(leader)
  world.run(50)
  commands = 0
  for (let ms = 0; ms < 300; ms++) {
    client.add(1)
    world.run(1)
  }
  ok(commands < 300 * 40, `${commands} were sent in 300 ms`)
})

test('decision C6: a command whose origin is lost starts anew if it was never taken, and is unknown if it may have been', () => {
  const { world, leader } = cluster()
  const client = clientOn(world, leader)
  const first = client.add(1)
  world.until('there is an origin', () => first.length === 1)
  // So long nobody used the group that the origin is forgotten; the node thinks that it is young, as one with a slow clock would.
  const group = world.replica(leader, 1)
  const machine = group.applier.machine
  const apply = machine.apply.bind(machine)
  let lost = 0
  machine.apply = (entry) => {
    const applied = apply(entry)
    if (lost > 0 || entry.payload.type !== 'command' || entry.payload.bytes[0] !== 1) return applied
    lost++
    return { type: 'session-lost' }
  }
  const told = client.add(0)
  world.until('it is answered', () => told.length === 1)
  deepEqual([kind(told), lost], [['applied'], 1])
  const doubtful = client.add(1, 5_000)
  machine.apply = (entry) => (entry.payload.type === 'command' && entry.payload.bytes[0] === 1 ? { type: 'nothing' } : apply(entry))
  world.run(20)
  machine.apply = (entry) => (entry.payload.type === 'command' && entry.payload.bytes[0] === 1 ? { type: 'session-lost' } : apply(entry))
  world.until('it is answered', () => doubtful.length === 1)
  deepEqual(kind(doubtful), ['unknown'])
})

test('after a stop whoever waits is answered, and so is whoever comes later', () => {
  const { world, leader, follower, other } = cluster()
  const client = clientOn(world, follower)
  for (const name of [leader, other]) world.crash(name)
  const told = client.add(1, 60_000)
  const read: (Uint8Array | null)[] = []
  const ask = (): void => client.reads.query(1, new Uint8Array(0), { timeoutMs: 60_000, done: (answer) => read.push(answer) })
  ask()
  world.run(3_000)
  deepEqual([told, read], [[], []])
  world.get(follower).host.stop(() => {
    client.router.stop()
    client.reads.stop()
  })
  world.run(timing.electionMinMs + 100)
  equal(told.length, 1)
  deepEqual(read, [null])
  deepEqual(kind(client.add(1)), ['stopping'])
  ask()
  deepEqual(read, [null, null])
  world.run(5_000)
  equal(told.length, 1)
})

test('a linearizable read ends in its time although the replica cannot catch up, and when the replica is dropped', () => {
  const { world, leader, follower } = cluster()
  const client = clientOn(world, follower)
  const question = new TextEncoder().encode('k')
  const answers: (number | null | undefined)[] = []
  const ask = (timeoutMs: number): void =>
    client.reads.query(1, question, {
      timeoutMs,
      done: (answer) => answers.push(answer === null ? undefined : decodeRegisterAnswer(answer).value),
    })
  const written = clientOn(world, leader).add(5)
  world.until('it is written', () => written.length === 1)
  ask(1_000)
  world.until('it is read', () => answers.length === 1)
  deepEqual(answers, [5])
  const group = world.replica(follower, 1)
  group.applier.hold()
  const again = clientOn(world, leader).add(1)
  world.until('it is written', () => again.length === 1)
  ask(400)
  ask(60_000)
  world.run(500)
  deepEqual(answers, [5, undefined], 'in time')
  world.get(follower).host.drop(1, () => {})
  deepEqual(answers, [5, undefined, undefined], 'at once')
  ask(1_000)
  deepEqual(answers.length, 4, 'there is no replica any more')
  equal(group.applier.last.index < world.replica(leader, 1).raft.commit, true)
})
