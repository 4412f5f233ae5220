import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import { nextMoveAction } from './move-action.ts'
import type { MoveAction, Observed } from './move-action.ts'
import { planMoves } from './planner.ts'
import { isMajority, replicaId } from './replica.ts'
import type { ReplicaId } from './replica.ts'
import { TestCluster, formationOf, nodeName } from './testkit.ts'
import type { ClusterState, MoveStep, Replica, Slot } from './types.ts'

/** The Raft group of a slot, as far as its configuration goes: one register with compare-and-set on its index. */
class SlotModel {
  voters: readonly ReplicaId[]
  learners: readonly ReplicaId[] = []
  outgoing: readonly ReplicaId[] = []
  index = 0
  commit = 0
  #before: Pick<SlotModel, 'voters' | 'learners' | 'outgoing' | 'index'> | null = null
  readonly caughtUp = new Set<ReplicaId>()
  readonly dropped = new Set<ReplicaId>()
  /** Who does not answer its leader. */
  readonly silent = new Set<ReplicaId>()

  constructor(voters: readonly ReplicaId[]) {
    this.voters = voters
    for (const voter of voters) this.caughtUp.add(voter)
  }

  observe(): Observed {
    const { voters, learners, outgoing } = this
    return {
      membership: { voters, learners, outgoing },
      membershipIndex: this.index,
      commit: this.commit,
      caughtUp: learners.filter((id) => this.caughtUp.has(id) && !this.silent.has(id)),
      reachable: [...voters, ...outgoing, ...learners].filter((id) => !this.silent.has(id)),
    }
  }

  change(action: Extract<MoveAction, { type: 'change-membership' }>): boolean {
    if (action.expectedIndex !== this.index || this.index > this.commit || this.outgoing.length > 0) return false
    if (!action.voters.every((id) => this.caughtUp.has(id)) || !isMajority(action.voters, (id) => !this.silent.has(id))) return false
    const { voters, learners, outgoing, index } = this
    this.#before = { voters, learners, outgoing, index }
    const isJoint = action.voters.toSorted().join() !== this.voters.toSorted().join()
    if (isJoint) this.outgoing = this.voters
    this.voters = action.voters
    this.learners = action.learners
    this.index += 3
    return true
  }

  /** Time passes: what was changed is committed, learners catch up, a joint configuration is left. */
  progress(): void {
    for (const id of this.learners) this.caughtUp.add(id)
    if (this.outgoing.length > 0) this.index += 2
    this.outgoing = []
    this.commit = this.index
  }

  /** The leader is lost before its change is committed, and the next one does not have it. */
  takeBack(): void {
    if (this.index > this.commit) Object.assign(this, this.#before)
  }

  drop(id: ReplicaId): void {
    assert.ok(!this.voters.includes(id) && !this.outgoing.includes(id), 'a voter must not lose its data')
    this.dropped.add(id)
  }
}

const slotOf = (state: ClusterState, group: number): Slot => present(state.table.slots[group], 'the slot is in the table')
const idsOf = (slot: Slot): ReplicaId[] => slot.replicas.map(replicaId)

/** A cluster and the groups of its slots; any number of meta leaders act on it, each on what it saw when it last looked. */
class World {
  readonly cluster = new TestCluster(formationOf(3, { slots: 3 }))
  readonly models: readonly SlotModel[] = this.cluster.state.table.slots.map((slot) => new SlotModel(idsOf(slot)))
  /** Actions on their way: they arrive in any order, late or never. */
  readonly network: { readonly group: number; readonly action: MoveAction }[] = []
  refused = 0

  act(group: number, seen: { readonly state: ClusterState; readonly observed: Observed }): void {
    const action = nextMoveAction(group, slotOf(seen.state, group), seen.observed)
    if (action.type !== 'wait') this.network.push({ group, action })
  }

  deliver(at: number): void {
    const [message] = this.network.splice(at, 1)
    if (message === undefined) return
    const { group, action } = message
    if (action.type === 'change-membership' && !this.model(group).change(action)) this.refused++
    if (action.type === 'drop' && action.replica !== null) this.model(group).drop(replicaId(action.replica))
    if (action.type === 'propose' || action.type === 'drop') {
      if (this.cluster.do(action.command).type === 'refused') this.refused++
    }
    this.check(group)
  }

  /** One undisturbed leader until nothing is left to do. */
  quiesce(): void {
    for (let round = 0; ; round++) {
      assert.ok(round < 1_000, 'moves come to an end')
      const commands = planMoves(this.cluster.state)
      for (const command of commands) this.cluster.do(command)
      let acted = commands.length > 0
      for (const [group, model] of this.models.entries()) {
        model.progress()
        const action = nextMoveAction(group, slotOf(this.cluster.state, group), model.observe())
        if (action.type === 'wait') continue
        acted = true
        this.network.push({ group, action })
        this.deliver(this.network.length - 1)
      }
      if (!acted) break
    }
  }

  /** The slot's voters are the table's replicas, or what the intent makes of them. */
  check(group: number): void {
    const { voters, dropped, caughtUp } = this.model(group)
    const slot = slotOf(this.cluster.state, group)
    const table = new Set(idsOf(slot))
    const { from = null, to = null } = slot.move?.step === 'retire' ? {} : (slot.move ?? {})
    if (from !== null && !voters.includes(replicaId(from))) table.delete(replicaId(from))
    if (to !== null && voters.includes(replicaId(to))) table.add(replicaId(to))
    assert.deepEqual(voters.toSorted(), [...table].toSorted())
    assert.ok(voters.every((id) => !dropped.has(id) && caughtUp.has(id)))
  }

  model(group: number): SlotModel {
    return present(this.models[group], 'every slot has its group')
  }
}

function toggle<Member>(set: Set<Member>, member: Member): void {
  if (!set.delete(member)) set.add(member)
}

/** Leaders that look seldom, requests that arrive late: returns how many were refused. */
function disturb(world: World, seed: number): void {
  const prng = new Prng(seed)
  const look = (): { state: ClusterState; observed: Observed[] } => ({
    state: world.cluster.state,
    observed: world.models.map((model) => model.observe()),
  })
  const seen = [look(), look()]
  for (let step = 0; step < 120; step++) {
    const leader = prng.between(0, 1)
    const { state, observed } = present(seen[leader], 'there are two leaders')
    const group = prng.between(0, world.models.length - 1)
    const slot = slotOf(world.cluster.state, group)
    const chance = prng.between(0, 9)
    if (chance === 0) for (const command of planMoves(world.cluster.state)) world.cluster.do(command)
    else if (chance === 1 && slot.move !== null && prng.chance(0.3))
      world.cluster.do({ type: 'abort-move', slot: group, move: slot.move.id })
    else if (chance === 2) world.model(group).progress()
    else if (chance === 3 && prng.chance(0.5)) world.model(group).takeBack()
    else if (chance === 3) toggle(world.model(group).silent, prng.pick(world.model(group).voters))
    else if (chance <= 4) seen[leader] = look()
    else if (chance <= 6) world.act(group, { state, observed: present(observed[group], 'every group is seen') })
    else if (world.network.length > 0) world.deliver(prng.between(0, world.network.length - 1))
  }
}

test('decision R8: two meta leaders with old views and late requests never mix two moves, drop a voter or admit an empty one', () => {
  let refused = 0
  let switched = 0
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const world = new World()
      // Who leaves a cluster of three is replaced by nobody.
      if (seed % 3 > 0) for (const name of ['node-4', 'node-5']) world.cluster.add(name)
      if (seed % 2 === 0) world.cluster.mark('leave', nodeName(1))
      disturb(world, seed)
      for (const model of world.models) model.silent.clear()
      world.quiesce()
      while (world.network.length > 0) world.deliver(0)
      world.quiesce()
      for (const [group, slot] of world.cluster.state.table.slots.entries()) {
        assert.equal(slot.move, null)
        assert.deepEqual(world.model(group).voters.toSorted(), idsOf(slot).toSorted())
        if (group > 0) assert.deepEqual(world.model(group).learners, [])
        switched += idsOf(slot).filter((id) => !slot.initial.map(replicaId).includes(id)).length
      }
      refused += world.refused
    }),
    { numRuns: 300 },
  )
  assert.ok(refused > 500 && switched > 500, `${refused} refused, ${switched} moved`)
})

test('decision R8: a new meta leader resumes the recorded step, wherever the old one stopped', () => {
  for (let stopAfter = 0; stopAfter < 20; stopAfter++) {
    const world = new World()
    world.cluster.add('node-4')
    for (const command of planMoves(world.cluster.state)) world.cluster.do(command)
    const group = world.cluster.state.table.slots.findIndex((slot) => slot.move !== null)
    const { id, to } = world.cluster.moveOf(group)
    for (let step = 0; step < stopAfter; step++) {
      world.act(group, { state: world.cluster.state, observed: world.model(group).observe() })
      // Of the last thing it did the old leader saw no outcome.
      if (world.network.length > 0) world.deliver(0)
      world.model(group).progress()
    }
    world.quiesce()
    assert.equal(slotOf(world.cluster.state, group).move, null)
    assert.ok(id > 0 && world.model(group).voters.includes(replicaId(present(to, 'the move has a target'))))
  }
})

test('decision R8: the steps of a move, and what each asks of the slot', () => {
  const world = new World()
  world.cluster.add('node-4')
  for (const command of planMoves(world.cluster.state)) world.cluster.do(command)
  const group = 1 + world.cluster.state.table.slots.slice(1).findIndex((slot) => slot.move !== null)
  const trace: string[] = []
  for (let turn = 0; turn < 20 && slotOf(world.cluster.state, group).move !== null; turn++) {
    const action = nextMoveAction(group, slotOf(world.cluster.state, group), world.model(group).observe())
    const detail = action.type === 'propose' ? action.command.next : action.type === 'change-membership' ? action.expectedIndex : ''
    trace.push(`${world.cluster.moveOf(group).step}: ${action.type} ${detail}`.trim())
    world.network.push({ group, action })
    world.deliver(0)
    if (action.type === 'wait') world.model(group).progress()
  }
  assert.deepEqual(trace, [
    'learn: change-membership 0',
    'learn: wait',
    'learn: propose catch-up',
    'catch-up: propose switch',
    'switch: change-membership 3',
    'switch: wait',
    'switch: propose retire',
    'retire: drop',
  ])
})

test('a learner that a deposed leader left behind is taken back', () => {
  const world = new World()
  const model = world.model(1)
  model.learners = ['node-4/1/7' as ReplicaId]
  const action = nextMoveAction(1, slotOf(world.cluster.state, 1), model.observe())
  assert.deepEqual(action, { type: 'change-membership', host: null, expectedIndex: 0, voters: model.voters, learners: [] })
  assert.equal(nextMoveAction(0, slotOf(world.cluster.state, 0), model.observe()).type, 'wait')
})

/** What is next for a move of a slot from replica c to replica d, or to none, at this step, when the slot's leader reports this. */
function nextFor(
  step: MoveStep,
  configuration: Partial<Observed['membership']>,
  { caughtUp = [], reachable = ['a', 'b', 'c', 'd'], to = 'd', index = 9 }: Report = {},
): MoveAction {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(replicaOf) as [Replica, Replica, Replica, Replica]
  const move = { id: 1, from: c, to: to === null ? null : d, step, configurationIndex: 7 }
  const slot: Slot = {
    life: { number: 1, index: 0, term: 0, since: null },
    initial: [a, b, c],
    replicas: [a, b, c],
    lost: [],
    configurationIndex: 0,
    nextGeneration: 2,
    leader: null,
    pinned: false,
    move,
  }
  const membership = { voters: [a, b, c].map(replicaId), learners: [], outgoing: [], ...configuration }
  const answering = reachable.map((node) => replicaId(replicaOf(node)))
  return nextMoveAction(1, slot, { membership, membershipIndex: index, commit: 9, caughtUp, reachable: answering })
}

interface Report {
  readonly caughtUp?: readonly ReplicaId[]
  readonly reachable?: readonly string[]
  readonly to?: 'd' | null
  readonly index?: number
}

const replicaOf = (node: string): Replica => ({ node, incarnation: '1', generation: node === 'd' ? 1 : 0 })

const stepOf = (action: MoveAction): MoveStep | null => (action.type === 'propose' ? action.command.next : null)
const [voterA, voterB, voterC, learner] = ['a', 'b', 'c', 'd'].map((node) => replicaId(replicaOf(node))) as [
  ReplicaId,
  ReplicaId,
  ReplicaId,
  ReplicaId,
]

test('decision R8: nothing is done about a configuration that is not committed, for it may be taken back', () => {
  const world = new World()
  const model = world.model(1)
  model.learners = [learner]
  model.index = 3
  assert.equal(nextMoveAction(1, slotOf(world.cluster.state, 1), model.observe()).type, 'wait')
})

test('decision R8: a learner that was taken away behind the back of its move is added again', () => {
  assert.equal(stepOf(nextFor('catch-up', {})), 'learn')
})

test('decision R8: a switch to a learner that fell behind or is gone goes back to waiting, where it can be given up', () => {
  assert.equal(stepOf(nextFor('switch', { learners: [learner] })), 'catch-up')
  assert.equal(stepOf(nextFor('switch', {})), 'catch-up')
  assert.equal(nextFor('switch', { learners: [learner] }, { caughtUp: [learner] }).type, 'propose')
})

test('decision R8: a switch that was on its way when its move was given up is not undone', () => {
  assert.equal(stepOf(nextFor('revert', { voters: [voterA, voterB, learner] })), 'retire')
  assert.equal(stepOf(nextFor('catch-up', { voters: [voterA, voterB, learner] })), 'retire')
})

test('decision R8: voters of which too few answer are not switched to, and the move waits where it can be given up', () => {
  const away = { to: null, reachable: ['a', 'c'], index: 7 } as const
  assert.equal(stepOf(nextFor('switch', {}, away)), 'catch-up')
  assert.equal(nextFor('catch-up', {}, away).type, 'wait')
  assert.equal(stepOf(nextFor('catch-up', {}, { ...away, reachable: ['a', 'b'] })), 'switch')
  const exchanged = { caughtUp: [learner], reachable: ['c', 'd'], index: 7 } as const
  assert.equal(stepOf(nextFor('switch', { learners: [learner] }, exchanged)), 'catch-up')
})

test('decision R8: a removal that is given up leaves no order behind that may still be carried out', () => {
  const fence = nextFor('revert', {}, { to: null, index: 7 })
  const voting = [voterA, voterB, voterC]
  assert.deepEqual(fence, { type: 'change-membership', host: null, expectedIndex: 7, voters: voting, learners: [] })
  assert.equal(nextFor('revert', {}, { to: null, index: 9 }).type, 'drop')
  assert.equal(stepOf(nextFor('revert', { voters: [voterA, voterB] }, { to: null, index: 9 })), 'retire')
})
