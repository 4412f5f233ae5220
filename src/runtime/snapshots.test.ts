import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { LogRange } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'
import type { GroupWrite, LogStore } from '#ports/log-store.ts'
import { runtimeLimits } from './limits.ts'
import type { ApplyContext, StateMachine } from './state-machine.ts'
import { keep, KeepingMachine, settle } from '#test/harness/keeping-machine.ts'
import { add, anonymous, rarely, timing, World } from '#test/harness/runtime-world.ts'

const chunk = runtimeLimits.snapshotChunkBytes

/** Counts commands, and has a state of as many pieces as it is told, besides. */
class Large implements StateMachine {
  applied = 0
  restored = 0
  readonly liveAt: number[] = []
  readonly pieces: readonly Uint8Array[]

  constructor(pieces: readonly Uint8Array[]) {
    this.pieces = pieces
  }
  apply(_command: Uint8Array, { index }: ApplyContext): Uint8Array {
    this.applied = index
    return new Uint8Array(0)
  }
  query(): Uint8Array {
    return new Uint8Array(0)
  }
  *snapshot(): Iterable<Uint8Array> {
    const counted = new Uint8Array(8)
    new DataView(counted.buffer).setFloat64(0, this.applied)
    yield counted
    yield* this.pieces
  }
  restore(snapshot: Uint8Array): void {
    this.applied = new DataView(snapshot.buffer, snapshot.byteOffset).getFloat64(0)
    this.restored++
  }
  readonly bodies = {
    live: (): LogRange[] => {
      this.liveAt.push(this.applied)
      return [{ from: logIndex(this.applied), to: logIndex(this.applied) }]
    },
    dead: (): LogRange[] => [],
    dropped: (): void => {},
  }
}

const pieces = (count: number, bytes: number): Uint8Array[] => Array.from({ length: count }, () => new Uint8Array(bytes).fill(7))

/** Sees what is written, and how many bytes of snapshots in one commit. */
function spy(writes: GroupWrite[], perCommit: number[] = []): (store: LogStore) => LogStore {
  return (store) => ({
    ...store,
    commit: (batch, done) => {
      writes.push(...batch.groups)
      perCommit.push(batch.groups.reduce((sum, { snapshotChunk }) => sum + (snapshotChunk?.bytes.length ?? 0), 0))
      store.commit(batch, done)
    },
  })
}

function single(state: readonly Uint8Array[]) {
  const writes: GroupWrite[] = []
  const perCommit: number[] = []
  const machine = new Large(state)
  const world = new World({ names: ['a'], machineFor: () => machine, store: spy(writes, perCommit) })
  world.found(1)
  world.elect(1)
  world.propose('a', 1, [add(1)])
  world.run(100)
  const named = (): GroupWrite[] => writes.filter(({ compact }) => compact !== null)
  return { world, machine, writes, perCommit, named, group: world.replica('a', 1) }
}

test('a snapshot is pulled over several turns, no more bytes in each than the limit', () => {
  const { world, group, perCommit, named } = single(pieces(100, 100_000))
  group.takeSnapshot()
  world.until('the snapshot is named', () => named().length === 1)
  const total = perCommit.reduce((sum, bytes) => sum + bytes, 0)
  equal(total, named()[0]?.compact?.snapshot.bytes)
  ok(perCommit.every((bytes) => bytes <= runtimeLimits.snapshotBytesPerTurn + 100_000))
  ok(perCommit.filter((bytes) => bytes > 0).length >= total / (runtimeLimits.snapshotBytesPerTurn + 100_000))
})

test('a state that ends exactly at the end of a pull is named all the same', () => {
  // Version, the end of the answers, and the counter come before the pieces.
  const { world, group, named } = single([])
  group.takeSnapshot()
  world.until('the snapshot is named', () => named().length === 1)
  const header = named()[0]?.compact?.snapshot.bytes ?? 0
  for (const size of [4 * chunk, 8 * chunk]) {
    const exact = single([...pieces(size / chunk - 1, chunk), new Uint8Array(chunk - header)])
    exact.group.takeSnapshot()
    exact.world.until(`a snapshot of ${size} bytes is named`, () => exact.named().length === 1)
    equal(exact.named()[0]?.compact?.snapshot.bytes, size)
    const outcomes = exact.world.propose('a', 1, [add(1)])
    exact.world.until('commands are applied again', () => outcomes.length === 1)
  }
})

test('the store asks which bodies are alive as of the snapshot, not as of what was applied behind it', () => {
  const { world, machine, group, named } = single(pieces(40, 100_000))
  group.takeSnapshot()
  const outcomes = world.propose('a', 1, [add(1), add(1)])
  world.until('the commands that waited are applied', () => outcomes.length === 2)
  const at = named()[0]?.compact?.snapshot.index
  deepEqual(machine.liveAt, [at])
  ok(machine.applied > (at ?? 0))
})

test('nothing is applied while a snapshot is being pulled, and everything afterwards', () => {
  const { world, group, machine } = single(pieces(100, 100_000))
  group.takeSnapshot()
  const before = machine.applied
  const outcomes = world.propose('a', 1, [add(1)])
  world.run(2)
  deepEqual([machine.applied, outcomes.length], [before, 0])
  world.until('it is applied', () => outcomes.length === 1)
})

/** Three nodes of which one was away while the others compacted their logs. */
function laggard(state: readonly Uint8Array[], { slowly = { isSlow: false } }: { readonly slowly?: { readonly isSlow: boolean } } = {}) {
  const writes: GroupWrite[] = []
  const machines = new Map<string, Large>()
  let making = ''
  const slow = (store: LogStore): LogStore => ({
    ...store,
    readSnapshot: (request, done) => void world.scheduler.after(slowly.isSlow ? 500 : 0, () => store.readSnapshot(request, done)),
  })
  const world: World = new World({
    names: ['a', 'b', 'c'],
    compaction: { ...rarely, keepEntries: 0 },
    machineFor: () => new Large(state),
    store: (store, name) => (name === 'c' ? spy(writes)(slow(store)) : store),
  })
  world.found(1)
  const leader = world.elect(1)
  making = leader === 'c' ? 'a' : leader
  if (leader === 'c') {
    world.replica('c', 1).step({ type: 'transfer', to: world.replica('a', 1).raft.self })
    world.until('another leads', () => world.leaders(1).join() === 'a')
  }
  world.run(200)
  world.crash('c')
  for (let rounds = 0; rounds < 5; rounds++) {
    world.propose(making, 1, [add(1)])
    world.run(100)
  }
  world.replica(making, 1).takeSnapshot()
  world.until('the log is compacted', () => world.replica(making, 1).raft.base > 1)
  return { world, leader: making, writes, machines }
}

test('pitfall 42: a large snapshot on its way to a follower holds up no heartbeat', () => {
  const { world, leader } = laggard(pieces(40, 500_000))
  const { term } = world.replica(leader, 1).raft
  world.restart('c')
  const group = world.replica('c', 1)
  world.until(
    'the follower has caught up',
    () => group.raft.commit > 0 && group.applier.last.index === world.replica(leader, 1).raft.commit,
    60_000,
  )
  equal(world.replica(leader, 1).raft.term, term)
  deepEqual(world.leaders(1), [leader])
})

test('a follower that restarts while it receives a snapshot goes on where it was', () => {
  const { world, leader, writes } = laggard(pieces(40, 500_000))
  world.restart('c')
  const chunks = (): GroupWrite[] => writes.filter(({ snapshotChunk }) => snapshotChunk !== null)
  world.until('half of it is there', () => chunks().length > 40, 60_000)
  world.crash('c')
  world.restart('c')
  world.until('the follower has caught up', () => world.replica('c', 1).applier.last.index === world.replica(leader, 1).raft.commit, 60_000)
  equal(chunks().filter(({ snapshotChunk }) => snapshotChunk?.offset === 0).length, 1, 'it began once')
})

test('a snapshot that is being read is kept although a newer one is named, but not for ever', () => {
  const { world, leader } = laggard(pieces(20, 500_000))
  const { disk } = world.get(leader)
  const group = world.replica(leader, 1)
  const kept = (): number[] => [...(disk.content.groups.get(1)?.snapshots.keys() ?? [])]
  const [old] = kept()
  world.restart('c')
  world.until('it is being read', () => world.replica('c', 1).raft.receivingSnapshot)
  const outcomes = world.propose(leader, 1, [add(1)])
  world.until('there is something new', () => outcomes.length === 1)
  group.takeSnapshot()
  world.until('a newer one is named', () => Math.max(...kept()) > (old ?? 0), 20_000)
  ok(kept().includes(old ?? 0), 'the reader may go on')
  world.until(
    'the follower has caught up',
    () => world.replica('c', 1).applier.last.index === group.raft.commit && world.replica('c', 1).raft.commit > 0,
    60_000,
  )
  world.run(runtimeLimits.snapshotPinMs + 1_000)
  world.propose(leader, 1, [add(1)])
  world.run(200)
  group.takeSnapshot()
  world.until('only the newest is left', () => kept().length === 1, 20_000)
})

test('a snapshot of its own is given up when the leader sends a newer one, and what waited for it is not lost', () => {
  const { world, leader } = laggard(pieces(30, 500_000))
  world.restart('c')
  const group = world.replica('c', 1)
  world.until(
    'the follower has caught up',
    () => group.applier.last.index === world.replica(leader, 1).raft.commit && group.raft.commit > 0,
    60_000,
  )
  world.network.cut(leader, 'c')
  world.network.cut('c', leader)
  world.get('c').disk.setSpeed({ min: 50, mean: 1 })
  group.takeSnapshot()
  ok(group.applier.held)
  for (let rounds = 0; rounds < 3; rounds++) {
    world.propose(leader, 1, [add(1)])
    world.run(20)
  }
  world.replica(leader, 1).takeSnapshot()
  world.until('the leader has compacted', () => world.replica(leader, 1).raft.base > group.raft.lastIndex, 20_000)
  world.network.heal()
  const leads = (): string => world.leaders(1).find((name) => world.replica(name, 1).raft.termStarted) ?? leader
  world.until(
    'the follower has the newer state',
    () => world.replica('c', 1).applier.last.index === world.replica(leads(), 1).raft.commit && !group.applier.held,
    120_000,
  )
})

test('a snapshot that is overtaken by a newer one while it is read back is given up for that', () => {
  const state = pieces(20, 500_000)
  const reading = { isSlow: false }
  const { world, leader } = laggard(state, { slowly: reading })
  reading.isSlow = true
  world.restart('c')
  const group = world.replica('c', 1)
  world.until('the first is being read back', () => group.raft.base > 1 && group.applier.held, 60_000)
  const first = group.raft.base
  state.length = 0
  world.network.cut(leader, 'c')
  world.propose(leader, 1, [add(1)])
  world.run(100)
  world.replica(leader, 1).takeSnapshot()
  world.until('the leader has compacted', () => world.replica(leader, 1).raft.base > first)
  // The store forgets the first when it is asked to install the second, long before that is durable.
  world.get('c').disk.setSpeed({ min: 1_000, mean: 1 })
  world.network.heal()
  world.until('the second is installed', () => group.raft.base > first, 60_000)
  ok(group.applier.last.index < first, 'the first was not read to its end')
  reading.isSlow = false
  world.until('its state is there', () => group.applier.last.index === world.replica(leader, 1).raft.commit && !group.applier.held)
})

test('a replica that is dropped in the middle of a snapshot leaves nothing behind, and its node starts again', () => {
  const { world, group } = single(pieces(100, 100_000))
  world.found(2)
  world.run(3 * timing.electionMaxMs)
  group.takeSnapshot()
  world.run(1)
  let dropped = false
  world.get('a').host.drop(1, () => {
    dropped = true
  })
  world.run(2_000)
  equal(dropped, true)
  deepEqual([...world.get('a').disk.content.groups.keys()], [2])
  world.crash('a')
  world.restart('a')
  deepEqual([...world.get('a').host.groups.keys()], [2])
})

test('a large state comes back from the disk after a restart, and commands wait for it', () => {
  const { world, group } = single(pieces(100, 100_000))
  group.takeSnapshot()
  world.until('the log is compacted', () => group.raft.inspect().log.snapshot !== null)
  const outcomes = world.propose('a', 1, [anonymous({ type: 'write', key: 'k', value: 1 })])
  world.until('one more command', () => outcomes.length === 1)
  const { index } = group.applier.last
  world.crash('a')
  world.restart('a')
  world.elect(1)
  world.until('all is applied', () => world.replica('a', 1).applier.last.index > index)
})

test('a store is told of all that lives once, and then of what has changed', () => {
  const writes: GroupWrite[] = []
  const world = new World({
    names: ['a'],
    compaction: { ...rarely, keepEntries: 0 },
    machineFor: () => new KeepingMachine(),
    store: spy(writes),
  })
  world.found(1)
  world.elect(1)
  const cut = (...commands: readonly Uint8Array[]): unknown => {
    const outcomes = world.propose('a', 1, commands)
    world.until('they are applied', () => outcomes.length === commands.length)
    const group = world.replica('a', 1)
    const { index } = group.applier.last
    group.takeSnapshot()
    world.until('the log is cut', () => group.raft.base === index)
    const { live = [], dead = [] } = writes.findLast(({ compact }) => compact !== null)?.compact ?? {}
    return { live: live.map(({ from, to }) => [from, to]), dead: dead?.map(({ from, to }) => [from, to]) ?? null }
  }
  const live = (...indexes: readonly number[]): number[][] => indexes.map((index) => [index, index])
  deepEqual(cut(keep(1), keep(1), keep(1)), { live: live(2, 3, 4), dead: null })
  deepEqual(cut(keep(1), settle(3), keep(1)), { live: live(5, 7), dead: live(3) })
  deepEqual(cut(settle(2), settle(7), keep(1), settle(10)), { live: [], dead: live(2, 7, 10) })
  world.crash('a')
  world.restart('a')
  world.elect(1)
  deepEqual(cut(keep(1)), { live: live(4, 5, world.replica('a', 1).applier.last.index), dead: null })
})

test('large entries are kept behind a snapshot for as many bytes as the limit says', () => {
  const world = new World({ names: ['a'], compaction: { ...rarely, keepEntries: 1_000 }, machineFor: () => new KeepingMachine() })
  world.found(1)
  world.elect(1)
  const outcomes = world.propose(
    'a',
    1,
    Array.from({ length: 20 }, () => keep(1_000_000)),
  )
  world.until('they are applied', () => outcomes.length === 20)
  const group = world.replica('a', 1)
  const { index } = group.applier.last
  group.takeSnapshot()
  world.until('the log is cut', () => group.raft.base > 0)
  equal(index - group.raft.base, Math.floor(runtimeLimits.keepBytesMax / 1_000_000))
})

test('a log grows as large as the state before the next snapshot, and no longer than it has to while that is small', () => {
  const due = (stateBytes: number): number => {
    const machine = new Large(pieces(1, stateBytes))
    const world = new World({ names: ['a'], compaction: { ...rarely, entries: 10, keepEntries: 0 }, machineFor: () => machine })
    world.found(1)
    world.elect(1)
    const group = world.replica('a', 1)
    const propose = (): void => {
      world.propose('a', 1, [add(1)])
      world.run(20)
    }
    while (group.raft.base === 0) propose()
    const first = group.raft.base
    while (group.raft.base === first) propose()
    return group.raft.base - first
  }
  equal(due(10), 10)
  const commands = due(50_000)
  ok(commands > 50_000 / (runtimeLimits.entryOverheadBytes + 100) && commands < 50_000 / runtimeLimits.entryOverheadBytes, String(commands))
})
