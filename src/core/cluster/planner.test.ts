import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { movesMax } from './limits.ts'
import { replicasWanted, replicationOf } from './placement.ts'
import { planLeaders, planMoves } from './planner.ts'
import { holderOf, keepsMajority } from './replica.ts'
import { TestCluster, formationOf, nodeName } from './testkit.ts'
import type { ClusterState } from './types.ts'

function leadersOf(state: ClusterState): (string | null)[] {
  return state.table.slots.slice(1).map((slot) => slot.leader)
}

test('a fourth node gets a quarter of the replicas, and nothing moves but to it', () => {
  const cluster = new TestCluster(formationOf(3))
  const before = cluster.state.table.slots
  cluster.add('node-4')
  assert.equal(cluster.settle(), 24)
  assert.deepEqual([...cluster.loads().values()], [24, 24, 24, 24])
  for (const [group, slot] of cluster.state.table.slots.entries()) {
    const stayed = new Set(before[group]?.replicas.map((replica) => replica.node))
    assert.ok(slot.replicas.every((replica) => stayed.has(replica.node) || replica.node === 'node-4'))
  }
})

test('each further node takes its share and no more moves than that', () => {
  const cluster = new TestCluster(formationOf(3))
  for (let members = 4; members <= 10; members++) {
    cluster.add(`node-${members}`)
    const moves = cluster.settle() - (members === 5 ? 2 : 0)
    assert.ok(moves <= Math.ceil(96 / members), `${moves} moves for ${members} members`)
  }
})

test('a dead member is replaced where there is another, its share goes round', () => {
  const cluster = new TestCluster(formationOf(5))
  cluster.mark('mark-dead', nodeName(2))
  cluster.settle()
  assert.deepEqual([...cluster.loads().values()], [24, 24, 24, 24])
  cluster.mark('mark-alive', nodeName(2))
  cluster.settle()
  assert.ok([...cluster.loads().values()].every((load) => load === 19 || load === 20))
})

test('a dead member without a substitute keeps its replicas: it may come back', () => {
  const cluster = new TestCluster(formationOf(3))
  cluster.mark('mark-dead', nodeName(2))
  assert.equal(cluster.settle(), 0)
  assert.deepEqual(cluster.nodesOf(0), ['node-1', 'node-2', 'node-3'])
  assert.ok(leadersOf(cluster.state).every((leader) => leader === 'node-1' || leader === 'node-3'))
})

test('two dead voters of five are given up: three of three bear a failure, three of five none', () => {
  const cluster = new TestCluster(formationOf(5, { slots: 1, replication: 5 }))
  cluster.mark('mark-dead', nodeName(1))
  assert.equal(cluster.settle(), 0)
  cluster.mark('mark-dead', nodeName(2))
  cluster.settle()
  assert.deepEqual(cluster.nodesOf(0), ['node-3', 'node-4', 'node-5'])
  assert.deepEqual(cluster.nodesOf(1), ['node-3', 'node-4', 'node-5'])
})

test('a slot without a majority is left alone: nobody could carry the change', () => {
  const cluster = new TestCluster(formationOf(3, { slots: 2 }))
  cluster.add('node-4')
  cluster.mark('mark-dead', nodeName(1))
  cluster.mark('mark-dead', nodeName(2))
  for (const command of planMoves(cluster.state)) assert.ok(command.slot !== 0)
  cluster.settle()
  assert.deepEqual(cluster.nodesOf(0), ['node-1', 'node-2', 'node-3'])
})

test('the meta group has five voters from five members on, and three again when two have left', () => {
  const cluster = new TestCluster(formationOf(3, { slots: 2 }))
  cluster.add('node-4')
  cluster.settle()
  assert.equal(cluster.nodesOf(0).length, 3)
  cluster.add('node-5')
  cluster.settle()
  assert.equal(cluster.nodesOf(0).length, 5)
  cluster.mark('leave', nodeName(2))
  cluster.settle()
  assert.equal(cluster.nodesOf(0).length, 3)
  assert.ok(!cluster.nodesOf(0).includes(nodeName(2)))
})

test('a leaving member gives up everything it has', () => {
  const cluster = new TestCluster(formationOf(4))
  cluster.mark('leave', nodeName(1))
  cluster.settle()
  assert.ok(cluster.state.table.slots.every((slot) => slot.replicas.every((replica) => replica.node !== nodeName(1))))
  assert.equal(cluster.mark('remove', nodeName(1)), 'done')
})

test('the last member has nowhere to go', () => {
  const cluster = new TestCluster(formationOf(1, { slots: 2 }))
  cluster.mark('leave', nodeName(1))
  assert.equal(cluster.settle(), 0)
})

test('a node on its way back is waited for, and gets its replicas under the new incarnation', () => {
  const cluster = new TestCluster(formationOf(5))
  const before = [...cluster.state.table.slots.keys()].map((group) => cluster.nodesOf(group))
  cluster.join(nodeName(3), '2')
  assert.equal(cluster.settle(), 0)
  cluster.announce({ name: nodeName(3), incarnation: '2' })
  cluster.settle()
  const after = [...cluster.state.table.slots.keys()].map((group) => cluster.nodesOf(group))
  const changed = after.filter((nodes, group) => nodes.join(' ') !== before[group]?.join(' '))
  assert.ok(changed.length <= 12, `${changed.length} slots went elsewhere`)
})

test('moves are throttled, repairs come first', () => {
  const cluster = new TestCluster(formationOf(4))
  cluster.add('node-5')
  cluster.mark('mark-dead', nodeName(2))
  const commands = planMoves(cluster.state)
  assert.equal(commands.length, movesMax)
  for (const command of commands) {
    assert.equal(command.type === 'plan-move' && command.from?.node, nodeName(2))
    assert.equal(cluster.try(command), 'move')
  }
  assert.deepEqual(planMoves(cluster.state), [])
})

test('a move to a member that dies meanwhile is given up before the switch, and not after', () => {
  for (const steps of [0, 1, 2, 3]) {
    const cluster = new TestCluster(formationOf(3, { slots: 4 }))
    cluster.add('node-4')
    for (const command of planMoves(cluster.state)) cluster.do(command)
    const groups = [...cluster.state.table.slots.keys()].filter((group) => cluster.state.table.slots[group]?.move !== null)
    for (const group of groups) for (let step = 0; step < steps; step++) cluster.advance(group)
    cluster.mark('mark-dead', 'node-4')
    const aborts = planMoves(cluster.state).filter((command) => command.type === 'abort-move')
    assert.equal(aborts.length, steps < 2 ? groups.length : 0)
    cluster.settle()
    assert.ok([...cluster.state.table.slots.keys()].every((group) => !cluster.nodesOf(group).includes('node-4')))
  }
})

test('a removal is given up when it would cost the slot the majority it has', () => {
  const cluster = new TestCluster(formationOf(3, { slots: 1 }))
  cluster.mark('leave', nodeName(3))
  const group = 1
  for (const command of planMoves(cluster.state)) cluster.do(command)
  const { id, to, configurationIndex } = cluster.moveOf(group)
  assert.equal(to, null)
  const back = { slot: group, move: id, expected: 'switch', next: 'catch-up', configurationIndex } as const
  assert.equal(cluster.try({ type: 'advance-move', ...back }), 'move')
  assert.equal(cluster.try({ type: 'advance-move', ...back, expected: 'catch-up', next: 'learn' }), 'stale-step')
  assert.deepEqual(planMoves(cluster.state), [])
  cluster.mark('mark-dead', nodeName(2))
  const aborts = planMoves(cluster.state).filter((command) => command.type === 'abort-move')
  assert.deepEqual(aborts, [{ type: 'abort-move', slot: group, move: id }])
})

test('preferred leaders stay where they are until the bound is broken', () => {
  const cluster = new TestCluster(formationOf(3))
  assert.equal(planLeaders(cluster.state), null)
  const before = leadersOf(cluster.state)
  cluster.add('node-4')
  cluster.settle()
  assert.equal(planLeaders(cluster.state), null)
  const after = leadersOf(cluster.state)
  for (const name of [1, 2, 3, 4].map(nodeName)) assert.ok(after.filter((leader) => leader === name).length <= 10)
  assert.ok(after.filter((leader, slot) => leader !== before[slot]).length <= 24)
})

type Event =
  | { readonly type: 'add' | 'replace' | 'leave' | 'mark-dead' | 'mark-alive' | 'remove'; readonly at: number }
  | { readonly type: 'plan' | 'settle' }
  | { readonly type: 'advance'; readonly group: number }

const anyAt = fc.integer({ min: 1, max: 9 })
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ type: fc.constantFrom('add', 'replace', 'leave', 'mark-dead', 'mark-alive', 'remove'), at: anyAt }),
  fc.record({ type: fc.constantFrom('plan', 'settle') }),
  fc.record({ type: fc.constant('advance'), group: fc.nat({ max: 6 }) }),
)

const anyHistory = fc.record({
  founders: fc.integer({ min: 1, max: 6 }),
  replication: fc.constantFrom(1, 3, 3, 3, 5),
  events: fc.array(anyEvent, { maxLength: 40, size: 'max' }),
})

/** One membership event; `lives` counts the incarnations so far. */
function carryOut(cluster: TestCluster, event: Event, lives: Map<string, number>): void {
  switch (event.type) {
    case 'add':
    case 'replace': {
      const name = nodeName(event.at)
      if (event.type === 'add' && cluster.member(name) !== undefined) return
      lives.set(name, (lives.get(name) ?? 1) + 1)
      return cluster.add(name, `${lives.get(name)}`)
    }
    case 'plan':
      for (const command of planMoves(cluster.state)) assert.ok(['move', 'done'].includes(cluster.try(command)))
      return
    case 'settle':
      cluster.settle()
      return
    case 'advance':
      if ((cluster.state.table.slots[event.group]?.move ?? null) !== null) cluster.advance(event.group)
      return
    default:
      cluster.mark(event.type, nodeName(event.at))
  }
}

/** Whether the slot is as good as its members allow. */
function assertGood(state: ClusterState, group: number): void {
  const { replicas } = state.table.slots[group] ?? { replicas: [] }
  const states = replicas.map((replica) => holderOf(state, replica)?.state ?? 'gone')
  const active = state.members.filter((member) => member.state === 'active').length
  const dead = state.members.filter((member) => member.state === 'dead').length
  assert.ok(
    states.every((held) => held === 'active' || held === 'dead'),
    states.join(' '),
  )
  const deadHere = states.filter((held) => held === 'dead').length
  assert.ok(deadHere === 0 || (deadHere === 1 && states.length % 2 === 1), states.join(' '))
  const replication = replicationOf(state.formation, group)
  assert.ok(states.length - deadHere >= replicasWanted(replication, active), states.join(' '))
  assert.ok(states.length <= replicasWanted(replication, active + dead), states.join(' '))
}

test('from any history the planner comes to a stable table that is as good as the members allow', () => {
  let good = 0
  let stuck = 0
  fc.assert(
    fc.property(anyHistory, ({ founders, replication, events }) => {
      const cluster = new TestCluster(formationOf(founders, { slots: 6, replication }))
      const lives = new Map<string, number>()
      for (const event of events) carryOut(cluster, event, lives)
      const moves = cluster.settle()
      assert.ok(moves <= 100, `${moves} moves`)
      const { state } = cluster
      assert.deepEqual(planMoves(state), [])
      assert.equal(planLeaders(state), null)
      if (state.members.every((member) => member.state !== 'active')) return
      for (const [group, slot] of state.table.slots.entries()) {
        if (keepsMajority(state, slot, slot.replicas)) assertGood(state, group)
        if (keepsMajority(state, slot, slot.replicas)) good++
        else stuck++
      }
    }),
    { numRuns: 300 },
  )
  assert.ok(good > 1_000 && stuck > 20, `${good} good, ${stuck} stuck`)
})

test('while members fail one at a time every slot ends on distinct active members, evenly, with all the replicas there can be', () => {
  let moves = 0
  fc.assert(
    fc.property(anyHistory, ({ founders, replication, events }) => {
      const cluster = new TestCluster(formationOf(founders + 2, { slots: 6, replication: Math.max(3, replication) }))
      const lives = new Map<string, number>()
      for (const event of events) {
        const active = cluster.state.members.filter((member) => member.state === 'active').length
        if (active <= 3 && event.type !== 'add' && event.type !== 'mark-alive') continue
        carryOut(cluster, event, lives)
        moves += cluster.settle()
      }
      for (const member of cluster.state.members) cluster.mark('mark-alive', member.name)
      cluster.settle()
      const { state } = cluster
      const active = state.members.filter((member) => member.state === 'active')
      for (const [group, slot] of state.table.slots.entries()) {
        assert.ok(slot.replicas.every((replica) => holderOf(state, replica)?.state === 'active'))
        assert.equal(cluster.nodesOf(group).length, replicasWanted(replicationOf(state.formation, group), active.length))
      }
      const loads = [...cluster.loads().values()]
      assert.ok(Math.max(...loads) - Math.min(...loads) <= 1, loads.join(' '))
    }),
    { numRuns: 150 },
  )
  assert.ok(moves > 1_000, `only ${moves} moves`)
})

test('the plan is a function of the table: whoever leads comes to the same', () => {
  fc.assert(
    fc.property(anyHistory, ({ founders, replication, events }) => {
      const cluster = new TestCluster(formationOf(founders, { slots: 6, replication }))
      const lives = new Map<string, number>()
      for (const event of events) carryOut(cluster, event, lives)
      const copy = JSON.parse(JSON.stringify(cluster.state)) as ClusterState
      assert.deepEqual(planMoves(copy), planMoves(cluster.state))
    }),
  )
})
