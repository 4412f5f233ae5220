import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import type { Slot } from '#core/cluster/types.ts'
import type { ProposalOutcome } from '#wire/peer-message.ts'
import type { Group } from './group.ts'
import { decodeIdentity } from './identity.ts'
import { runtimeLimits } from './limits.ts'
import { metaGroup } from './meta-machine.ts'
import { idOfReplica, nodeNameOf } from './replica-name.ts'
import { timing } from '#test/harness/runtime-world.ts'
import { Cluster, deadAfterMs } from '#test/harness/whole-cluster.ts'

/** Of a member's duties, while nothing changes. */
const idleRoundMs = 2_000

test('decision R4: a member has adopted new constants durably before anybody is told that it has', () => {
  const cluster = new Cluster({ founders: 3, spares: 0 })
  for (const { disk } of cluster.sim.nodes) disk.setSpeed({ min: 30, mean: 50 })
  let compared = 0
  cluster.watch = () => {
    for (const { disk, name } of cluster.sim.nodes) {
      const stored = disk.content.node === null ? null : decodeIdentity(disk.content.node)
      for (const { node } of cluster.sim.nodes) {
        const told = node?.cluster?.members.find((member) => member.name === name)?.adopted ?? 0
        ok(told <= (stored?.constants?.revision ?? 0), `${name} is said to run ${told}`)
        compared++
      }
    }
  }
  const { constants } = cluster.state
  const longer = { ...timing, electionMinMs: 1_000, electionMaxMs: 2_000 }
  cluster.command({ type: 'set-constants', expectedRevision: constants.revision, timing: longer })
  cluster.until('all have adopted them', () => cluster.state.members.every(({ adopted }) => adopted === constants.revision + 1))
  ok(compared > 1_000)
  for (const { node } of cluster.sim.nodes) equal(node?.host?.groups.get(metaGroup)?.raft.inspect().timing.electionMinMs, 1_000)
})

test('a new leader of the meta group does not take a dead member for alive that it has never heard', () => {
  const cluster = new Cluster({ founders: 5, spares: 0 })
  const dead = present(
    cluster.sim.nodes.find((node) => node !== cluster.leaderOf(metaGroup)),
    'somebody follows',
  )
  cluster.sim.crash(dead)
  cluster.until('it is taken for dead', () => cluster.member(dead.name)?.state === 'dead', deadAfterMs + 5_000)
  let seen = 0
  cluster.watch = () => {
    for (const { node } of cluster.sim.alive) {
      const member = node?.cluster?.members.find(({ name }) => name === dead.name)
      if (member === undefined || node?.host?.groups.get(metaGroup)?.raft.termStarted !== true) continue
      equal(member.state, 'dead')
      seen++
    }
  }
  const first = cluster.leaderOf(metaGroup)
  first.machine.pause()
  cluster.until('another leads', () => cluster.leaderOf(metaGroup) !== first)
  cluster.run(5_000)
  ok(seen > 100)
  cluster.watch = () => {}
  first.machine.resume()
  cluster.sim.start(dead)
  cluster.until('it is back', () => cluster.member(dead.name)?.state === 'active')
})

test('a preferred leader that was restarted is handed the lead when it may take that, and not before', () => {
  const cluster = new Cluster({ founders: 3, spares: 0 })
  const preferred = cluster.sim.byName(present(cluster.state.table.slots[1]?.leader, 'the table says who should lead'))
  cluster.until('it leads', () => cluster.leaderOf(1) === preferred)
  let handOvers = 0
  cluster.sim.network.watch((_from, to, message) => {
    if (to !== preferred.name || message.type !== 'raft' || message.group !== 1 || message.message.type !== 'timeout-now') return
    handOvers++
  })
  for (const aheadMs of [100, 250, 400]) {
    handOvers = 0
    cluster.sim.crash(preferred)
    const meanwhile = cluster.leaderOf(1)
    cluster.run(8_000)
    // So long before a round of whoever leads now.
    cluster.run(idleRoundMs - aheadMs - (meanwhile.machine.now() % idleRoundMs))
    cluster.sim.start(preferred)
    cluster.until('it leads again', () => cluster.leaderOf(1) === preferred)
    equal(handOvers, 1)
  }
})

test('a meta leader that was paused for long takes nobody for dead because it did not listen', () => {
  const cluster = new Cluster({ founders: 3, spares: 0 })
  const paused = cluster.leaderOf(metaGroup)
  paused.machine.pause()
  cluster.run(deadAfterMs + 10_000)
  cluster.watch = () => {
    for (const { node } of cluster.sim.nodes) {
      const dead = node?.cluster?.members.filter(({ state }) => state === 'dead').map(({ name }) => name) ?? []
      deepEqual(
        dead.filter((name) => name !== paused.name),
        [],
      )
    }
  }
  paused.machine.resume()
  cluster.run(5_000)
  cluster.until('all are alive', () => cluster.state.members.every(({ state }) => state === 'active'))
})

test('a command behind a paused leader goes to its successor before the question to the former one has run out', () => {
  const cluster = new Cluster({ founders: 3, spares: 0 })
  const leader = cluster.leaderOf(1)
  const follower = present(
    cluster.sim.nodes.find((node) => node !== leader),
    'somebody follows',
  )
  const told: ProposalOutcome[] = []
  const submit = (): void => follower.node?.submit(1, new Uint8Array(0), { timeoutMs: 10_000, done: (outcome) => told.push(outcome) })
  submit()
  cluster.until('the leader is known', () => told.length === 1)
  leader.machine.pause()
  submit()
  cluster.until('it is carried out', () => told[1]?.type === 'applied', runtimeLimits.proposeTimeoutMs - 500)
})

test('decision R8: a new meta leader goes on with the move that its predecessor began', () => {
  for (let seed = 1; seed <= 3; seed++) {
    const cluster = new Cluster({ founders: 4, spares: 1 }, { seed })
    for (const node of cluster.sim.nodes) cluster.sim.start(node)
    cluster.until(
      'the spare is active',
      () => cluster.state.members.length === 5 && cluster.state.members.every(({ state }) => state === 'active'),
    )
    const meta = cluster.leaderOf(metaGroup)
    const voters = cluster.replica(cluster.leaderOf(1), 1).raft.membership.voters.map(nodeNameOf)
    const leaver = present(
      cluster.sim.nodes.find(({ name }) => name !== meta.name && voters.includes(name)),
      'somebody else holds a replica',
    )
    const { incarnation } = present(cluster.member(leaver.name), 'it is a member')
    cluster.command({ type: 'leave', name: leaver.name, incarnation })
    cluster.until('a move is under way', () => cluster.state.table.slots[1]?.move !== null)
    const { id } = present(cluster.state.table.slots[1]?.move, 'there is a move')
    cluster.run(seed * 40)
    const first = cluster.leaderOf(metaGroup)
    cluster.sim.crash(first)
    cluster.until('another leads', () => cluster.leaderOf(metaGroup) !== first)
    const moved = (): boolean => {
      const slot = cluster.state.table.slots[1]
      return slot?.move?.id !== id && slot?.replicas.every(({ node }) => node !== leaver.name) === true
    }
    cluster.sim.start(first)
    cluster.until('the move is done', moved, 60_000)
    const { raft } = cluster.replica(cluster.leaderOf(1), 1)
    cluster.until('its own configuration says so', () => !raft.membership.voters.map(nodeNameOf).includes(leaver.name))
    cluster.until('the leaver has nothing of it', () => leaver.node?.host?.groups.get(1) === undefined)
  }
})

test('a replica whose order to be dropped got lost is given up by its own node', () => {
  const cluster = new Cluster({ founders: 4, spares: 0 })
  const holder = cluster.leaderOf(1)
  const { incarnation } = present(cluster.member(holder.name), 'it is a member')
  cluster.sim.network.loseRequests('drop-group', 100_000)
  cluster.command({ type: 'leave', name: holder.name, incarnation })
  const isDone = ({ replicas, move }: Slot): boolean => move === null && replicas.every(({ node }) => node !== holder.name)
  cluster.until('its replicas are elsewhere', () => cluster.state.table.slots.slice(1).every(isDone), 60_000)
  cluster.until(
    'it has none left but that of the meta group',
    () => [...(holder.node?.host?.groups.keys() ?? [])].join() === `${metaGroup}`,
  )
})

test('decision R8: a replica is told to go only once the table says that it goes', () => {
  const cluster = new Cluster({ founders: 4, spares: 0 })
  const steward = cluster.leaderOf(metaGroup)
  const holder = present(
    cluster.sim.nodes.find((node) => node !== steward && (node.node?.host?.groups.size ?? 0) > 1),
    'another node has a slot',
  )
  const { incarnation } = present(cluster.member(holder.name), 'it is a member')
  const orders: { readonly group: number; readonly replica: string }[] = []
  let given = 0
  cluster.sim.network.watch((_from, _to, message) => {
    if (message.type === 'request' && message.request.type === 'drop-group') orders.push(message.request)
  })
  cluster.watch = () => {
    for (const { group, replica } of orders.slice(given)) {
      const { replicas, move } = present(cluster.state.table.slots[group], 'it is in the table')
      ok(
        [...replicas, move?.from, move?.to].every((each) => !each || idOfReplica(each) !== replica),
        `${replica} is in the table`,
      )
    }
    given = orders.length
  }
  cluster.command({ type: 'leave', name: holder.name, incarnation })
  cluster.until('its replicas are gone', () => [...(holder.node?.host?.groups.keys() ?? [])].join() === `${metaGroup}`, 60_000)
  ok(orders.length > 0)
})

for (const how of ['is cut off', 'crashes'] as const)
  test(`decision R8: a slot can move to a node that ${how} with the replica that it was told to host, and is back later`, () => {
    const cluster = new Cluster({ founders: 3, spares: 1 })
    const { network } = cluster.sim
    const spare = cluster.sim.byName('n4')
    cluster.sim.start(spare)
    let told = 0
    const unwatch = network.watch((_from, to, message) => {
      if (to !== spare.name || message.type !== 'request' || message.request.type !== 'host-group' || message.request.group === metaGroup)
        return
      told++
      for (const { name } of cluster.sim.nodes) if (name !== spare.name) network.cut(spare.name, name)
    })
    cluster.until('it is told to host a slot', () => told > 0, 60_000)
    cluster.run(500)
    if (how === 'crashes') cluster.sim.crash(spare)
    unwatch()
    const isAtRest = (): boolean => cluster.state.table.slots.every(({ move }) => move === null)
    cluster.until('its moves are taken back', () => cluster.member(spare.name)?.state === 'dead' && isAtRest(), 60_000)
    network.heal()
    if (how === 'crashes') cluster.sim.start(spare)
    cluster.until(
      'it has slots',
      () => cluster.state.table.slots.slice(1).some(({ replicas }) => replicas.some(({ node }) => node === spare.name)),
      60_000,
    )
    cluster.until('nothing moves any more', isAtRest, 60_000)
  })

test('decision R8: a node whose table is older than the order that brought it a replica does not give that up', () => {
  const cluster = new Cluster({ founders: 3, spares: 1 })
  const { network } = cluster.sim
  const spare = cluster.sim.byName('n4')
  cluster.sim.start(spare)
  cluster.until('the spare is active', () => cluster.member(spare.name)?.state === 'active')
  for (const { name } of cluster.sim.nodes) network.cutGroup(name, spare.name, metaGroup)
  const received = (): Group[] => [...(spare.node?.host?.groups.values() ?? [])].filter(({ id }) => id !== metaGroup)
  cluster.until('it is told to host a replica', () => received().length > 0)
  const known = present(spare.node?.cluster, 'it knows a table')
  const [first] = received()
  ok(known.table.slots.every(({ move }) => move === null))
  cluster.run(1_500)
  equal(received()[0], first)
  network.heal()
  cluster.until('the moves are done', () => cluster.state.table.slots.every(({ move }) => move === null))
  ok(received().includes(present(first, 'it has a replica')))
})

test('pitfall 34: a member whose disk was wiped comes back as another one, and its former replicas are replaced', () => {
  const cluster = new Cluster({ founders: 4, spares: 0 })
  const victim = present(
    cluster.sim.nodes.find((node) => node !== cluster.leaderOf(metaGroup) && node !== cluster.leaderOf(1)),
    'somebody only follows',
  )
  const former = present(cluster.member(victim.name), 'it is a member').incarnation
  cluster.sim.wipe(victim)
  cluster.sim.start(victim)
  cluster.until('it is a member again', () => cluster.member(victim.name)?.incarnation !== former)
  const groups = cluster.state.table.slots.map((_, group) => group)
  cluster.until(
    'no configuration counts on the former one',
    () =>
      groups.every((group) =>
        cluster.replica(cluster.leaderOf(group), group).raft.membership.voters.every((voter) => !voter.includes(former)),
      ),
    60_000,
  )
  ok(cluster.state.tombstones.some(({ incarnation }) => incarnation === former))
})

test('a node that the cluster has removed is told so once', () => {
  const cluster = new Cluster({ founders: 3, spares: 1 }, { seed: 2 })
  const spare = present(
    cluster.sim.nodes.find(({ founder }) => !founder),
    'there is a spare',
  )
  cluster.sim.start(spare)
  cluster.until('the spare is active', () => cluster.member(spare.name)?.state === 'active')
  const { incarnation } = present(cluster.member(spare.name), 'it is a member')
  cluster.command({ type: 'leave', name: spare.name, incarnation })
  cluster.until('it holds nothing', () => {
    cluster.command({ type: 'remove', name: spare.name, incarnation })
    return cluster.member(spare.name) === undefined
  })
  cluster.until('it is told, and the operator wipes it', () => spare.node === null)
  equal(cluster.fatals.length, 1)
})
