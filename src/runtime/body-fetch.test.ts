import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { logIndex } from '#core/raft/types.ts'
import type { LogIndex } from '#core/raft/types.ts'
import type { FetchedBodies, GroupWrite, LogStore } from '#ports/log-store.ts'
import { keep, KeepingMachine, settle } from '#test/harness/keeping-machine.ts'
import { rarely, replicaOn, World } from '#test/harness/runtime-world.ts'
import type { PeerMessage, PeerResponse } from '#wire/peer-message.ts'
import { readBodies } from './body-reader.ts'

type Question = Extract<Extract<PeerMessage, { type: 'request' }>['request'], { type: 'bodies' }>

interface Watched {
  readonly from: string
  readonly to: string
  readonly question: Question
}

/** Three nodes whose machines need bodies, and others that can join. */
class Bodies {
  readonly world: World
  readonly asked: Watched[] = []
  /** Of all nodes. */
  readonly writes: { readonly name: string; readonly write: GroupWrite }[] = []
  /** These nodes' stores do not answer a read of an entry, for now. */
  readonly mute = new Set<string>()

  constructor(names: readonly string[] = ['a', 'b', 'c'], seed = 1) {
    this.world = new World({
      names,
      seed,
      compaction: { ...rarely, keepEntries: 0 },
      machineFor: () => new KeepingMachine(),
      store: (store, name) => this.#watch(store, name),
      sent: (from, to, message) => {
        if (message.type === 'request' && message.request.type === 'bodies') this.asked.push({ from, to, question: message.request })
      },
    })
    this.world.found(1, ['a', 'b', 'c'])
    this.lead('a')
  }

  lead(name: string): void {
    const leader = this.world.elect(1)
    if (leader === name) return
    this.world.run(300)
    this.world.replica(leader, 1).step({ type: 'transfer', to: replicaOn(name) })
    this.world.until(`${name} leads`, () => this.world.leaders(1).join() === name && this.world.replica(name, 1).raft.termStarted)
  }

  machine(name: string): KeepingMachine {
    const { machine } = this.world.replica(name, 1).applier.machine
    ok(machine instanceof KeepingMachine)
    return machine
  }

  commit(leader: string, ...commands: readonly Uint8Array[]): void {
    const outcomes = this.world.propose(leader, 1, commands)
    this.world.until('they are applied', () => outcomes.length === commands.length)
    ok(outcomes.every(({ type }) => type === 'applied'))
  }

  /** A snapshot, and the log is cut right behind it. */
  cut(name: string): void {
    const group = this.world.replica(name, 1)
    group.takeSnapshot()
    this.world.until('the log is cut', () => group.raft.base === group.applier.last.index, 30_000)
  }

  stored(name: string, index: number): boolean {
    return this.world.get(name).disk.content.groups.get(1)?.entries.has(index) === true
  }

  /** Indexes of all that the store has up to the base of the log. */
  entriesOf(name: string): number[] {
    const { entries = [], base } = this.world.get(name).disk.content.groups.get(1) ?? {}
    return [...entries]
      .map(([index]) => index)
      .filter((index) => index <= (base?.index ?? 0))
      .toSorted((left, right) => left - right)
  }

  /** Every body that its machine needs. */
  isWhole(name: string): boolean {
    return this.machine(name).kept.every((index) => this.stored(name, index))
  }

  untilCaughtUp(name: string): void {
    const last = (): LogIndex => this.world.replica(this.world.elect(1), 1).raft.commit
    this.world.until(`${name} has caught up`, () => this.world.replica(name, 1).applier.last.index === last(), 120_000)
  }

  fetchedBy(name: string): FetchedBodies[] {
    return this.writes.flatMap(({ name: writer, write }) => (writer === name && write.bodies !== null ? [write.bodies] : []))
  }

  /** As soon as the leader takes it. */
  change(voters: readonly string[], learners: readonly string[]): void {
    const ids = { voters: voters.map((name) => replicaOn(name)), learners: learners.map((name) => replicaOn(name)) }
    let isTaken = false
    const take = (): boolean => {
      const group = this.world.replica(this.world.elect(1), 1)
      isTaken ||= group.changeMembership({ expectedIndex: group.raft.membershipIndex, ...ids }).type === 'accepted'
      return isTaken
    }
    this.world.until('the change is taken', take, 60_000)
  }

  untilHalfFetched(syncMs = 50): void {
    this.world.get('c').disk.setSpeed({ min: syncMs, mean: 1 })
    this.world.restart('c')
    this.world.until('a part is there', () => this.fetchedBy('c').length > 3, 60_000)
  }

  #watch(store: LogStore, name: string): LogStore {
    return {
      ...store,
      commit: (batch, done) => {
        this.writes.push(...batch.groups.map((write) => ({ name, write })))
        store.commit(batch, done)
      },
      readEntry: (group, index, done) => {
        if (!this.mute.has(name)) store.readEntry(group, index, done)
      },
    }
  }
}

/** `c` was away while so many commands came, of which some were settled, and the log was cut. */
function away(count: number, bytes: number, options: { readonly names?: readonly string[] } = {}): Bodies {
  const bodies = new Bodies(options.names)
  bodies.commit('a', keep(10), keep(10))
  bodies.world.run(500)
  bodies.cut('c')
  bodies.world.crash('c')
  for (let sent = 0; sent < count; sent += 50) bodies.commit('a', ...Array.from({ length: Math.min(50, count - sent) }, () => keep(bytes)))
  const [first = 0, ...others] = bodies.machine('a').kept
  bodies.commit('a', ...[first, ...others.filter((index) => index % 10 === 0)].map(settle))
  bodies.cut('a')
  bodies.cut('b')
  return bodies
}

test('decision Q1: a follower that begins with a snapshot has every body that is needed, of its own and of the leader, when it says that it has it', () => {
  const bodies = away(400, 2_000)
  const { world } = bodies
  const [own = 0] = bodies.machine('a').kept
  bodies.mute.add('a').add('b')
  world.restart('c')
  const snapshot = present(world.replica('a', 1).raft.inspect().log.snapshot, 'the leader has one').index
  world.until('it asks for bodies', () => bodies.asked.length > 0)
  world.run(5_000)
  const matched = (): number =>
    world
      .replica('a', 1)
      .raft.matches()
      .find(({ replica }) => replica === replicaOn('c'))?.match ?? 0
  ok(matched() < snapshot, 'without them it vouches for nothing of the snapshot')
  ok(world.replica('c', 1).raft.commit < snapshot)
  bodies.mute.clear()
  bodies.untilCaughtUp('c')
  ok(bodies.isWhole('c') && bodies.stored('c', own))
  deepEqual(bodies.machine('c').kept, bodies.machine('a').kept)
  ok(
    bodies.fetchedBy('c').every((fetched) => fetched.after >= own),
    'what it has is not fetched',
  )
  ok(bodies.fetchedBy('c').length > 2, 'bit by bit')
  equal(matched() >= snapshot, true)
})

test('decision Q1: a slot moves to other nodes one by one, and no body is lost when the old ones are gone', () => {
  const bodies = new Bodies(['a', 'b', 'c', 'd', 'e', 'f'])
  const { world } = bodies
  for (let round = 0; round < 6; round++) bodies.commit('a', ...Array.from({ length: 40 }, () => keep(1_000)))
  const { kept } = bodies.machine('a')
  bodies.commit('a', ...kept.filter((index) => index % 3 > 0).map(settle))
  for (const name of ['a', 'b', 'c']) bodies.cut(name)
  let voters = ['a', 'b', 'c']
  for (const [leaver, joiner] of [
    ['c', 'd'],
    ['b', 'e'],
    ['a', 'f'],
  ] as const) {
    const initial = { voters: voters.map((name) => replicaOn(name)), outgoing: [], learners: [] }
    world.get(joiner).host.create(1, { replica: replicaOn(joiner), initial, decidedAt: logIndex(0) }, () => {})
    bodies.change(voters, [joiner])
    voters = [...voters.filter((name) => name !== leaver), joiner]
    bodies.change(voters, [])
    ok(bodies.isWhole(joiner), `${joiner} has every body when it votes`)
    world.until('the change is over', () => world.replica(world.elect(1), 1).raft.membership.outgoing.length === 0)
    world.run(1_000)
    world.get(leaver).host.drop(1, () => {})
  }
  const leader = world.elect(1)
  ok(['d', 'e', 'f'].includes(leader))
  deepEqual(
    bodies.machine(leader).kept,
    kept.filter((index) => index % 3 === 0),
  )
  ok(['d', 'e', 'f'].every((name) => bodies.isWhole(name)))
})

test('a follower that restarts while it fetches bodies goes on where it was', () => {
  const bodies = away(600, 5_000)
  const { world } = bodies
  bodies.untilHalfFetched()
  world.run(50)
  const last = present(world.get('c').disk.content.groups.get(1)?.fetched, 'some are durable').upTo
  world.crash('c')
  const before = bodies.asked.length
  world.restart('c')
  bodies.untilCaughtUp('c')
  ok(bodies.isWhole('c'))
  ok(
    bodies.asked.slice(before).every(({ question }) => question.after >= last),
    'nothing is asked for twice',
  )
  equal(bodies.fetchedBy('c').filter((fetched) => fetched.anew).length, 1)
})

test('what is fetched counts for the snapshot of the next leader too', () => {
  const bodies = away(2_000, 15_000)
  const { world } = bodies
  bodies.commit('a', keep(10))
  world.run(300)
  bodies.cut('b')
  bodies.untilHalfFetched(100)
  const { upTo } = present(bodies.fetchedBy('c').at(-1), 'some were written')
  ok(world.replica('b', 1).raft.base > world.replica('a', 1).raft.base, 'their snapshots differ')
  world.crash('a')
  world.until('the other leads', () => world.leaders(1).includes('b'), 30_000)
  bodies.untilCaughtUp('c')
  ok(bodies.isWhole('c'))
  equal(bodies.fetchedBy('c').filter((fetched) => fetched.anew).length, 1)
  ok(bodies.asked.filter(({ to }) => to === 'b').every(({ question }) => question.after >= upTo))
})

test('decision Q1: what is settled while the bodies are fetched is not waited for', () => {
  const bodies = away(600, 5_000)
  bodies.untilHalfFetched()
  bodies.commit(
    'a',
    ...bodies
      .machine('a')
      .kept.filter((index) => index % 2 === 0)
      .map(settle),
  )
  bodies.cut('a')
  bodies.untilCaughtUp('c')
  ok(bodies.isWhole('c'))
  deepEqual(bodies.machine('c').kept, bodies.machine('a').kept)
  bodies.lead('c')
  bodies.commit('c', keep(1))
  bodies.cut('c')
  ok(bodies.isWhole('c'))
})

test('a body that the leader has lost comes from another replica', () => {
  const bodies = away(100, 500)
  const lost = present(bodies.machine('a').kept.at(50), 'there are so many')
  bodies.world.get('a').disk.content.groups.get(1)?.entries.delete(lost)
  bodies.world.restart('c')
  bodies.untilCaughtUp('c')
  ok(bodies.isWhole('c') && bodies.stored('c', lost))
  deepEqual(new Set(bodies.asked.map(({ to }) => to)), new Set(['a', 'b']))
})

test('decision Q1: who has not applied up to a snapshot does not answer for its bodies', () => {
  const bodies = new Bodies()
  const { world } = bodies
  world.crash('c')
  bodies.commit('a', keep(10), keep(10))
  const group = world.replica('a', 1)
  const { index } = group.applier.last
  const answers: PeerResponse[] = []
  for (const upTo of [index, index + 1]) {
    readBodies(group, world.get('a').host, { type: 'bodies', group: 1, after: logIndex(0), upTo: logIndex(upTo) }, (answer) =>
      answers.push(answer),
    )
  }
  world.until('both are answered', () => answers.length === 2)
  deepEqual(answers.map(({ type }) => type).toSorted(), ['bodies', 'refused'])
})

test('a follower that comes back again and again fetches each body once, and keeps none that is dead', () => {
  const bodies = new Bodies()
  const { world } = bodies
  for (let round = 0; round < 4; round++) {
    bodies.commit('a', ...Array.from({ length: 20 }, () => keep(100)))
    world.run(500)
    bodies.cut('c')
    for (const name of ['a', 'b']) {
      world.network.cut('c', name)
      world.network.cut(name, 'c')
    }
    bodies.commit('a', ...Array.from({ length: 20 }, () => keep(100)))
    bodies.commit('a', settle(bodies.machine('a').kept[5] ?? 0))
    bodies.cut('a')
    world.network.heal()
    bodies.untilCaughtUp('c')
    bodies.commit('a', keep(100))
    bodies.untilCaughtUp('c')
    bodies.cut('c')
    deepEqual(bodies.entriesOf('c'), bodies.machine('c').kept)
  }
  const fetched = bodies.fetchedBy('c').flatMap((each) => each.entries.map(({ index }) => index))
  equal(new Set(fetched).size, fetched.length)
  ok(fetched.length >= 80 && fetched.length < 90, `${fetched.length} were fetched`)
})
