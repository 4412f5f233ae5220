import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { logIndex } from '#core/raft/types.ts'
import type { Entry } from '#core/raft/types.ts'
import type { LogStore } from '#ports/log-store.ts'
import { RegisterMachine } from '#services/register/register-machine.ts'
import type { PeerMessage, PeerRequest, PeerResponse } from '#wire/peer-message.ts'
import { PeerService } from './peer-service.ts'
import { add, replicaOn, timing, World } from '#test/harness/runtime-world.ts'

const three = ['a', 'b', 'c']
const broken = { type: 'failed', code: 'io-error', detail: 'simulated' } as const

test('a graceful stop hands leadership over first', () => {
  const world = new World({ names: three })
  world.found(1)
  const leader = world.elect(1)
  const startedAt = world.scheduler.now
  let stopped = false
  world.get(leader).host.stop(() => {
    stopped = true
  })
  world.until('another leads', () => world.leaders(1).some((name) => name !== leader), timing.electionMinMs)
  world.until('the host has stopped', () => stopped, timing.electionMinMs)
  ok(world.scheduler.now - startedAt < timing.electionMinMs, 'nobody had to notice that it was gone')
})

test('a stop ends although nobody can take over', () => {
  const world = new World({ names: three })
  world.found(1)
  const leader = world.elect(1)
  for (const name of three) if (name !== leader) world.crash(name)
  let stopped = false
  world.get(leader).host.stop(() => {
    stopped = true
  })
  world.until('the host has stopped', () => stopped, timing.electionMinMs + 100)
})

test('after a stop every open question is answered, and nothing is sent or written any more', () => {
  const said: string[] = []
  const commits: string[] = []
  const world = new World({
    names: three,
    sent: (from) => void said.push(from),
    store: (store, name) => ({ ...store, commit: (batch, done) => (commits.push(name), store.commit(batch, done)) }),
  })
  world.found(1)
  const leader = world.elect(1)
  for (const name of three) if (name !== leader) world.get(name).machine.pause()
  const outcomes = world.propose(leader, 1, [add(1)])
  world.run(20)
  const group = world.replica(leader, 1)
  const reads: (number | null)[] = []
  world.run(timing.leaseMs)
  group.readIndex((index) => reads.push(index))
  world.run(5)
  const late = world.propose(leader, 1, [add(2)])
  const waits: boolean[] = []
  group.applier.whenApplied(logIndex(group.raft.lastIndex + 5), (applied) => waits.push(applied))
  world.get(leader).host.stop(() => {})
  world.run(timing.electionMinMs + 50)
  deepEqual(outcomes, [{ type: 'unknown' }])
  equal(late.length, 1)
  deepEqual([reads, waits], [[null], [false]])
  deepEqual([...world.get(leader).host.groups.keys()], [])
  said.length = commits.length = 0
  world.run(3 * timing.electionMaxMs)
  equal(said.includes(leader) || commits.includes(leader), false)
})

function answers(world: World, name: string, request: Parameters<PeerService['answer']>[1]): (PeerResponse | null)[] {
  const { host, self } = world.get(name)
  const told: PeerResponse[] = []
  new PeerService(host, self).answer({ name: 'x', incarnation: 'x' }, request, (response) => told.push(response))
  return told
}

test('a node whose store fails falls silent at once, answers `halted`, and leaves nobody waiting', () => {
  const messages: PeerMessage[] = []
  let watched = ''
  const world = new World({
    names: three,
    sent: (from, _to, message) => {
      if (from === watched) messages.push(message)
    },
  })
  world.found(1)
  const leader = world.elect(1)
  const { host, disk, failures } = world.get(leader)
  const group = world.replica(leader, 1)
  disk.fail(broken)
  const outcomes = world.propose(leader, 1, [add(1)])
  const waits: boolean[] = []
  group.applier.whenApplied(logIndex(1_000), (applied) => waits.push(applied))
  world.until('the failure is noticed', () => host.failure !== null)
  watched = leader
  world.run(100)
  deepEqual(outcomes, [{ type: 'unknown' }], 'others may have it')
  deepEqual(waits, [false])
  deepEqual(failures, [broken], 'told once')
  equal(group.raft.role, 'halted')
  const refused = answers(world, leader, { type: 'propose', group: 1, commands: [add(1)] })
  equal(refused[0]?.type === 'refused' && refused[0].code, 'halted')
  const reads: unknown[] = []
  group.readIndex((index) => reads.push(index))
  const later = world.propose(leader, 1, [add(1)])
  world.run(3 * timing.electionMaxMs)
  deepEqual(reads, [null])
  deepEqual(later, [{ type: 'refused', code: 'halted', leader: null }])
  deepEqual(
    messages.filter(({ type }) => type !== 'response'),
    [],
  )
  ok(
    world.leaders(1).some((name) => name !== leader),
    'the others go on',
  )
})

test('what was under way when a read found the store damaged is not acknowledged', () => {
  const messages: PeerMessage[] = []
  let watched = ''
  let fail: (() => void) | null = null
  const failing = (store: LogStore): LogStore => ({
    ...store,
    readSnapshot: (_request, done) => {
      fail = () => done({ type: 'failed', code: 'damaged', detail: 'simulated' })
    },
  })
  const world = new World({
    names: ['a', 'b'],
    store: (store, name) => (name === 'b' ? failing(store) : store),
    sent: (from, _to, message) => {
      if (from === watched && message.type === 'raft') messages.push(message)
    },
  })
  world.found(1)
  const leader = world.elect(1)
  if (leader !== 'a') {
    world.replica('b', 1).step({ type: 'transfer', to: world.replica('a', 1).raft.self })
    world.until('a leads', () => world.leaders(1).join() === 'a')
  }
  world.run(500)
  const { host, disk } = world.get('b')
  disk.setSpeed({ min: 20, mean: 0.1 })
  world.propose('a', 1, [add(1)])
  world.run(8)
  host.store.readSnapshot({ group: 1, index: logIndex(1), offset: 0, bytesMax: 1 }, (chunk) => {
    if (chunk !== null && 'type' in chunk) host.post(() => host.storageFailed(chunk))
  })
  const followed: string[] = []
  host.afterWrites(() => followed.push('what waits for the disk'))
  watched = 'b'
  ;(fail as (() => void) | null)?.()
  world.run(200)
  equal(host.failure?.code, 'damaged')
  deepEqual([messages, followed], [[], []])
})

test('pitfall 34: a disk that was wiped cannot speak as its former self', () => {
  const world = new World({ names: three })
  world.found(1)
  const leader = world.elect(1)
  world.propose(leader, 1, [add(1)])
  world.run(500)
  const [victim = '', other = ''] = three.filter((name) => name !== leader)
  world.crash(victim)
  world.get(victim).disk.wipe()
  world.restart(victim)
  const { host } = world.get(victim)
  deepEqual([...host.groups.keys()], [])
  // Even a replica that it is made anew is another one: orders and messages for the former are not for this incarnation.
  const { self } = world.get(other)
  const reborn = { name: victim, incarnation: 'new' }
  const service = new PeerService(host, reborn)
  const told: PeerResponse[] = []
  const initial = world.replica(leader, 1).raft.membership
  service.answer(self, { type: 'host-group', group: 1, replica: replicaOn(victim), initial, decidedAt: logIndex(9) }, (response) =>
    told.push(response),
  )
  equal(told[0]?.type === 'refused' && told[0].code, 'invalid')
  const before = world
    .replica(leader, 1)
    .raft.matches()
    .find(({ replica }) => replica === replicaOn(victim))?.match
  const { term } = world.replica(leader, 1).raft
  const ack = { type: 'append-ack', from: replicaOn(victim), to: replicaOn(leader), term, match: logIndex(1_000) } as const
  world.get(leader).host.message(reborn, { type: 'raft', group: 1, message: ack })
  world.run(100)
  equal(
    world
      .replica(leader, 1)
      .raft.matches()
      .find(({ replica }) => replica === replicaOn(victim))?.match,
    before,
  )
})

test('pitfall 42: a pause of one node or of all starts no election storm', () => {
  const world = new World({ names: three })
  world.found(1)
  const leader = world.elect(1)
  world.run(1_000)
  const { term } = world.replica(leader, 1).raft
  const follower = three.find((name) => name !== leader) ?? ''
  for (const names of [[follower], three]) {
    for (const name of names) world.get(name).machine.pause()
    world.run(5_000)
    for (const name of names) world.get(name).machine.resume()
    world.run(3_000)
    deepEqual([world.leaders(1), world.replica(leader, 1).raft.term], [[leader], term], names.join())
  }
})

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const each of Object.values(value)) deepFreeze(each)
}

test('pitfall 40: what is handed to the store and to the machine is never changed afterwards', () => {
  const prints = new Map<Entry, string>()
  const print = (entry: Entry): string =>
    JSON.stringify(entry.payload.type === 'command' ? { ...entry, payload: Buffer.from(entry.payload.bytes).toString('hex') } : entry)
  const freezing = (store: LogStore): LogStore => ({
    ...store,
    commit: (batch, done) => {
      for (const { entries, hardState, install } of batch.groups) {
        for (const each of [entries, hardState, install]) deepFreeze(each)
        for (const entry of entries) prints.set(entry, print(entry))
      }
      store.commit(batch, done)
    },
  })
  const world = new World({ names: three, store: freezing, compaction: { bytes: 1e9, entries: 20, keepEntries: 5 } })
  world.found(1)
  for (let rounds = 0; rounds < 60; rounds++) {
    const leader = world.elect(1)
    world.propose(leader, 1, [add(rounds), add(rounds)])
    world.run(20)
    if (rounds % 20 === 19) world.replica(leader, 1).step({ type: 'transfer', to: replicaOn(three[rounds % 3] ?? 'a') })
    if (rounds === 30) world.crash('b')
    if (rounds === 35) world.restart('b')
  }
  world.run(2_000)
  ok(prints.size > 100)
  for (const [entry, before] of prints) equal(print(entry), before)
  for (const { name, disk } of world.nodes) {
    const { raft } = world.replica(name, 1)
    const stored = disk.content.groups.get(1)
    ok(raft.lastIndex > raft.base, 'there is something to compare')
    for (let index = raft.base + 1; index <= raft.inspect().log.durable; index++) {
      const here = raft.entryAt(logIndex(index))
      const there = stored?.entries.get(index)
      equal(here && print(here), there && print(there))
    }
  }
})

const order = (generation: number, decidedAt: number): Extract<PeerRequest, { type: 'host-group' }> => ({
  type: 'host-group',
  group: 1,
  replica: replicaOn('a', generation),
  initial: { voters: [replicaOn('b')], outgoing: [], learners: [] },
  decidedAt: logIndex(decidedAt),
})

const codes = (told: readonly (PeerResponse | null)[]): string[] =>
  told.map((response) => (response?.type === 'refused' ? response.code : (response?.type ?? 'none')))

test('decision R8: of two orders that overlap the newer one holds, here and on the disk', () => {
  for (const [first, second] of [[order(1, 5), order(2, 8)] as const, [order(2, 8), order(1, 5)] as const]) {
    const world = new World({ names: ['a'] })
    const told = [answers(world, 'a', first), answers(world, 'a', second)]
    world.run(100)
    deepEqual(told.flatMap(codes), first.decidedAt === 5 ? ['done', 'done'] : ['done', 'removed'])
    equal(world.replica('a', 1).raft.self, replicaOn('a', 2))
    world.crash('a')
    world.restart('a')
    equal(world.replica('a', 1).raft.self, replicaOn('a', 2))
  }
})

test('decision R8: an order that replaces a replica is one write: a crash leaves the former or the new one', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new World({ names: ['a'], seed })
    answers(world, 'a', order(1, 5))
    world.run(100)
    answers(world, 'a', order(2, 8))
    world.run(seed / 10)
    world.crash('a')
    world.restart('a')
    ok([replicaOn('a', 1), replicaOn('a', 2)].includes(world.replica('a', 1).raft.self))
  }
})

test('decision C12: who has a replica on disk keeps it, though its group has lost too many to go on', () => {
  const world = new World({ names: ['a'] })
  answers(world, 'a', order(1, 5))
  world.run(100)
  const told = answers(world, 'a', { type: 'drop-group', group: 1, replica: replicaOn('a', 1), givesUp: true })
  world.run(100)
  deepEqual([codes(told), [...world.get('a').host.groups.keys()]], [['invalid'], [1]])
})

test('decision R8: a replica that is only becoming can be dropped, and does not come after that', () => {
  const world = new World({ names: ['a'] })
  const told = answers(world, 'a', order(1, 5))
  const dropped = answers(world, 'a', { type: 'drop-group', group: 1, replica: replicaOn('a', 1), givesUp: false })
  world.run(100)
  deepEqual([codes(told), codes(dropped)], [['done'], ['done']])
  deepEqual([...world.get('a').host.groups.keys()], [])
  world.crash('a')
  world.restart('a')
  deepEqual([...world.get('a').host.groups.keys()], [])
  deepEqual(codes(answers(world, 'a', order(1, 5))), ['removed'], 'the tombstone remembers')
})

test('decision R8: an order from before the last configuration that the dropped replica knew is refused', () => {
  const world = new World({ names: three })
  world.found(1)
  const leader = world.elect(1)
  const group = world.replica(leader, 1)
  const leaver = three.find((name) => name !== leader) ?? ''
  const voters = group.raft.membership.voters.filter((voter) => voter !== replicaOn(leaver))
  equal(group.changeMembership({ expectedIndex: group.raft.membershipIndex, voters, learners: [replicaOn(leaver)] }).type, 'accepted')
  world.until('the change is through', () => group.raft.membership.outgoing.length === 0 && group.raft.membershipIndex <= group.raft.commit)
  world.run(500)
  const { membershipIndex } = world.replica(leaver, 1).raft
  ok(membershipIndex > 1)
  world.get(leaver).host.drop(1, () => {})
  const again = (decidedAt: number): string[] => {
    const { initial } = order(1, 1)
    const told = answers(world, leaver, {
      type: 'host-group',
      group: 1,
      replica: replicaOn(leaver, 7),
      initial,
      decidedAt: logIndex(decidedAt),
    })
    world.run(50)
    return codes(told)
  }
  deepEqual(again(membershipIndex - 1), ['removed'], 'decided before it left')
  deepEqual(again(membershipIndex), ['done'])
})

test('a read that waits on a replica that is dropped is answered', () => {
  const world = new World({ names: three })
  world.found(1)
  const leader = world.elect(1)
  const follower = three.find((name) => name !== leader) ?? ''
  const waits: boolean[] = []
  world.replica(follower, 1).applier.whenApplied(logIndex(100), (applied) => waits.push(applied))
  world.get(follower).host.drop(1, () => {})
  deepEqual(waits, [false])
})

test('one order of writes for all groups: a group that fails to write takes all down, and only once', () => {
  const world = new World({ names: ['a'], machineFor: () => new RegisterMachine() })
  world.found(1)
  world.found(2)
  world.elect(1)
  world.elect(2)
  world.get('a').disk.fail(broken)
  const first = world.propose('a', 1, [add(1)])
  const second = world.propose('a', 2, [add(1)])
  world.run(100)
  deepEqual([first, second], [[{ type: 'unknown' }], [{ type: 'unknown' }]])
  deepEqual(world.get('a').failures, [broken])
})
