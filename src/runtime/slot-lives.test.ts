import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import { lifeEntriesMax } from '#core/cluster/limits.ts'
import { TestCluster, formationOf } from '#core/cluster/testkit.ts'
import type { ClusterState, Move, MoveStep, Replica, Slot } from '#core/cluster/types.ts'
import { logIndex, term } from '#core/raft/types.ts'
import { decodeRegisterAnswer, encodeRegisterCommand } from '#services/register/register-machine.ts'
import { Checks } from '#sim/checks/checks.ts'
import { SimCluster } from '#sim/cluster.ts'
import type { SimNode } from '#sim/cluster.ts'
import { Trace } from '#sim/trace.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import type { Group } from './group.ts'
import type { ReplicaHost } from './host.ts'
import { metaGroup } from './meta-machine.ts'
import { OwnReplicas } from './own-replicas.ts'
import { idOfReplica } from './replica-name.ts'
import { lossesOf, missingOn } from './slot-lives.ts'
import { faultless, timing } from '#test/harness/runtime-world.ts'

const slot = 1

/** Nodes that keep their slots in memory; the invariants of the simulator are checked after every event. */
class Cluster {
  readonly scheduler = new Scheduler()
  readonly sim: SimCluster
  readonly #checks = new Checks()
  #known: ClusterState | null = null
  /** Looked at after every event. */
  watch: () => void = () => {}

  constructor({ founders = 3, spares = 0, compactAfter = 1e9 } = {}) {
    const { scheduler } = this
    const size = { founders, spares, minutes: 0, slots: 2, clients: 0, keys: 1 }
    const compaction = { bytes: 1e9, entries: compactAfter, keepEntries: 2 }
    const pace = { faults: [], looksClosely: false, faultEveryMs: 1e9, thinkMs: 1e9, syncMs: { min: 0.05, mean: 0.3 } }
    const options = {
      ...size,
      ...pace,
      compaction,
      timing,
      network: faultless,
      startVersion: 1,
      turnover: 'none' as const,
      sheds: false,
      fleeting: true,
      deadAfterMs: 20_000,
    }
    const world = { scheduler, prng: new Prng(1), trace: new Trace(null, () => scheduler.now), checks: this.#checks }
    this.sim = new SimCluster(world, options)
    this.#checks.watch(this.sim.nodes)
    for (const node of this.sim.nodes) if (node.founder) this.sim.start(node)
    this.until('all are active', () => this.known?.members.every(({ state }) => state === 'active') ?? false)
    this.run(3_000)
  }

  /** As the leader of the meta group knows it, or the last one knew it. */
  get known(): ClusterState | null {
    const leader = this.sim.nodes.find(({ node }) => node?.host?.groups.get(metaGroup)?.raft.termStarted === true)
    this.#known = leader?.node?.cluster ?? this.#known
    return this.#known
  }

  get slot(): Slot {
    return present(this.known?.table.slots[slot], 'the slot is in the table')
  }

  leads({ node }: SimNode): boolean {
    return node?.host?.groups.get(slot)?.raft.termStarted === true
  }

  get leader(): SimNode {
    this.until('the slot has a leader', () => this.sim.nodes.some((node) => this.leads(node)))
    return present(
      this.sim.nodes.find((node) => this.leads(node)),
      'somebody leads',
    )
  }

  replicaOn({ node }: SimNode): Group | null {
    return node?.host?.groups.get(slot) ?? null
  }

  /** The sum of the register after this was added, from whichever node carries it out. */
  add(by: number): number {
    const from = present(this.sim.alive[0]?.node, 'a node lives')
    const sums: number[] = []
    from.submit(slot, encodeRegisterCommand({ type: 'add', key: 'k', by }), {
      timeoutMs: 20_000,
      done: (outcome) => {
        if (outcome.type !== 'applied') throw new Error(JSON.stringify(outcome))
        sums.push(Number(decodeRegisterAnswer(outcome.answer).value))
      },
    })
    this.until('the command is answered', () => sums.length > 0)
    return present(sums[0], 'it was answered')
  }

  restart(...nodes: readonly SimNode[]): void {
    for (const node of nodes) this.sim.crash(node)
    this.run(50)
    for (const node of nodes) this.sim.start(node)
  }

  atRest(): void {
    this.until('nothing is lost and nothing moves', () => {
      const slots = this.known?.table.slots ?? []
      return slots.length > 0 && slots.every(({ lost, move, replicas }) => lost.length === 0 && move === null && replicas.length === 3)
    })
  }

  run(ms: number): void {
    this.scheduler.run(this.scheduler.now + ms, () => {
      this.#checks.afterEvent()
      this.watch()
    })
  }

  until(what: string, happened: () => boolean, withinMs = 40_000): void {
    const deadline = this.scheduler.now + withinMs
    while (!happened() && this.scheduler.now < deadline) this.run(20)
    ok(happened(), `${what} within ${withinMs} ms`)
  }
}

const others = (cluster: Cluster, ...nodes: readonly SimNode[]): SimNode[] => cluster.sim.nodes.filter((node) => !nodes.includes(node))

test('decision C12: a restarted node comes back as another replica, and what was acknowledged survives, one node after the other', () => {
  const cluster = new Cluster({ compactAfter: 10 })
  let sum = 0
  for (let at = 0; at < 30; at++) equal(cluster.add(1), ++sum)
  for (const node of cluster.sim.nodes) {
    const before = present(cluster.replicaOn(node), 'it has a replica').raft.self
    cluster.restart(node)
    cluster.watch = () => {
      ok(cluster.replicaOn(node)?.raft.self !== before, 'nobody speaks as the former replica')
    }
    cluster.until('it is replaced', () => cluster.slot.replicas.every((replica) => idOfReplica(replica) !== before))
    cluster.atRest()
    equal(cluster.add(1), ++sum)
    cluster.watch = () => {}
  }
  equal(cluster.slot.life.number, 1)
  deepEqual(
    cluster.slot.replicas.map(({ generation }) => generation > 0),
    [true, true, true],
  )
})

test('decision C12: a slot that lost two of three replicas begins anew, empty and in a higher term', () => {
  const cluster = new Cluster()
  equal(cluster.add(5), 5)
  const { leader } = cluster
  const before = present(cluster.replicaOn(leader), 'the leader has a replica').raft
  const [survivor = leader, lost = leader] = others(cluster, leader)
  cluster.restart(leader, lost)
  cluster.until('the slot begins anew', () => cluster.slot.life.number === 2)
  cluster.atRest()
  equal(cluster.add(1), 1)
  const now = present(cluster.replicaOn(survivor), 'the survivor has a replica of the new life').raft
  ok(now.term > before.term && now.commit > lifeEntriesMax)
  deepEqual(cluster.known?.table.slots.map(({ life }) => life.number).slice(1), [2, 2])
  equal(cluster.known?.table.slots[metaGroup]?.life.number, 1)
})

test('decision C12: a slot is not begun anew while a majority is left, nor before leases are over', () => {
  const cluster = new Cluster()
  cluster.add(5)
  const [first, second] = others(cluster, cluster.leader)
  cluster.restart(present(first, 'a follower'))
  cluster.atRest()
  equal(cluster.slot.life.number, 1)
  const lossAt = cluster.scheduler.now
  cluster.restart(present(second, 'a follower'), cluster.leader)
  cluster.until('the slot begins anew', () => cluster.slot.life.number === 2)
  ok(cluster.scheduler.now - lossAt >= 1_800, `after ${cluster.scheduler.now - lossAt} ms`)
})

test('decision C12: all nodes restarted at once form their slots anew and go on', () => {
  const cluster = new Cluster()
  cluster.add(5)
  cluster.restart(...cluster.sim.nodes)
  cluster.until('the slot begins anew', () => cluster.slot.life.number === 2, 60_000)
  cluster.atRest()
  equal(cluster.add(2), 2)
  cluster.restart(...cluster.sim.nodes)
  cluster.until('the slot begins anew again', () => cluster.slot.life.number === 3, 60_000)
  cluster.atRest()
  equal(cluster.add(3), 3)
})

test('decision C12: a node that does not come back is not waited for when the slot cannot go on without it', () => {
  const cluster = new Cluster()
  cluster.add(5)
  const { leader } = cluster
  const [first, second] = others(cluster, leader)
  cluster.sim.crash(present(first, 'a follower'))
  cluster.restart(present(second, 'a follower'))
  cluster.until('the slot begins anew without it', () => cluster.slot.life.number === 2, 60_000)
  equal(cluster.add(1), 1)
})

test('decision C12: a restarted node is ready when it has its slots again, and no sooner', () => {
  const cluster = new Cluster()
  cluster.add(5)
  const victim = present(others(cluster, cluster.leader)[0], 'a follower')
  const reasons = new Set<string | null | undefined>()
  cluster.restart(victim)
  cluster.watch = () => reasons.add(victim.node?.standing.notReadyBecause)
  cluster.until('it is ready', () => victim.node?.standing.notReadyBecause === null)
  ok(reasons.has('2 of its slots were not kept, and are copied again'), [...reasons].join())
  const { raft } = present(cluster.replicaOn(victim), 'it has a replica')
  ok(raft.membership.voters.includes(raft.self))
  equal(cluster.slot.lost.length, 0)
})

test('decision C12: a node that came back without its disk is ready when its slots are elsewhere, or here again, and no sooner', () => {
  const cluster = new Cluster()
  cluster.add(5)
  const victim = present(others(cluster, cluster.leader)[0], 'a follower')
  const former = present(cluster.replicaOn(victim), 'it has a replica').raft.self
  cluster.sim.wipe(victim)
  cluster.run(50)
  cluster.sim.start(victim)
  cluster.watch = () => {
    const isReady = victim.node !== null && victim.node.standing.notReadyBecause === null
    ok(!isReady || cluster.slot.replicas.every((replica) => idOfReplica(replica) !== former))
  }
  cluster.until('it is ready', () => victim.node?.standing.notReadyBecause === null)
})

for (const loss of ['its disk', 'its process'] as const)
  test(`decision C12: a majority that works, though the meta leader does not hear it, is not given up when the third loses ${loss}`, () => {
    const cluster = new Cluster({ founders: 7 })
    equal(cluster.add(5), 5)
    const [first, ...unheard] = cluster.sim.nodes.filter((node) => cluster.replicaOn(node) !== null)
    const victim = present(first, 'the slot has replicas')
    for (const from of unheard) for (const to of others(cluster, ...unheard)) cluster.sim.network.cut(from.name, to.name)
    const isUnheard = (name: string): boolean => unheard.some((node) => node.name === name)
    cluster.until(
      'they are taken for dead, and the meta group does without them',
      () => {
        const { members = [], table } = cluster.known ?? {}
        const meta = table?.slots[metaGroup]
        const isDead = members.every(({ name, state }) => (state === 'dead') === isUnheard(name))
        return isDead && meta?.move === null && !meta.replicas.some(({ node }) => isUnheard(node))
      },
      60_000,
    )
    if (loss === 'its disk') cluster.sim.wipe(victim)
    else cluster.sim.crash(victim)
    cluster.run(50)
    cluster.sim.start(victim)
    cluster.run(20_000)
    cluster.sim.network.heal()
    cluster.run(20_000)
    equal(cluster.slot.life.number, 1)
    equal(cluster.add(1), 6)
  })

test('decision C12: a learner that is taken back again is reported as lost like any other, and not waited for', () => {
  const { state } = new TestCluster(formationOf(4))
  const before = present(state.table.slots[slot], 'the slot is in the table')
  const holders = before.replicas.map(({ node }) => node)
  const spare = present(
    state.members.find(({ name }) => !holders.includes(name)),
    'a node does not have the slot',
  )
  const learner: Replica = { node: spare.name, incarnation: spare.incarnation, generation: before.nextGeneration }
  const own = new OwnReplicas()
  own.bury(slot, { replica: idOfReplica(learner), term: term(7), decidedAt: logIndex(3) })
  const host = { own } as unknown as ReplicaHost
  const during = (step: MoveStep): ClusterState => {
    const move: Move = { id: 1, from: before.replicas[0] ?? null, to: learner, step, configurationIndex: 1 }
    return { ...state, table: { ...state.table, slots: state.table.slots.with(slot, { ...before, move }) } }
  }
  for (const step of ['learn', 'revert'] as const) deepEqual(lossesOf(host, during(step)), [{ slot, replica: learner, term: 7 }])
  deepEqual([missingOn(host, during('learn'), spare), missingOn(host, during('revert'), spare)], [1, 0])
  deepEqual(lossesOf(host, state), [])
})
