import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { wallMillis } from '#base/brand.ts'
import { lostTermsMax } from '#core/cluster/limits.ts'
import type { LoadOutcome } from '#ports/log-store.ts'
import { decodeRegisterAnswer, encodeRegisterCommand } from '#services/register/register-machine.ts'
import type { SimNode } from '#sim/cluster.ts'
import { Cluster } from '#test/harness/whole-cluster.ts'
import { metaGroup } from './meta-machine.ts'
import { planRecovery } from './recovery.ts'
import type { Recovery, RecoveryRefusal } from './recovery.ts'

const slots = [1, 2]
const options = { recovery: 'r-1', wall: wallMillis(0), commandsOf: () => [] }

type Loaded = Extract<LoadOutcome, { readonly type: 'loaded' }>

/** What an operator does with the store of a node that does not run. */
function withStore(cluster: Cluster, { disk }: SimNode, plan: (loaded: Loaded) => Recovery | RecoveryRefusal): Recovery | RecoveryRefusal {
  const store = disk.open()
  const planned: (Recovery | RecoveryRefusal)[] = []
  let written = 0
  store.load((outcome) => {
    ok(outcome.type === 'loaded')
    const result = plan(outcome)
    planned.push(result)
    if (typeof result === 'string') return
    store.commit(result.batch, (failure) => {
      equal(failure, null)
      written++
    })
  })
  cluster.until('the store is read', () => planned.length === 1)
  if (typeof planned[0] !== 'string') cluster.until('it is written', () => written === 1)
  return present(planned[0], 'it is planned')
}

const recover = (cluster: Cluster, node: SimNode): Recovery => {
  const recovery = withStore(cluster, node, (loaded) => planRecovery(loaded, options))
  ok(typeof recovery !== 'string', 'it is recovered')
  return recovery
}

/** What the key has after that was added. */
function add(cluster: Cluster, { node }: SimNode, { slot, by }: { readonly slot: number; readonly by: number }): number {
  const told: number[] = []
  node?.submit(slot, encodeRegisterCommand({ type: 'add', key: 'k', by }), {
    timeoutMs: 20_000,
    done: (outcome) => {
      told.push((outcome.type === 'applied' ? decodeRegisterAnswer(outcome.answer).value : null) ?? NaN)
    },
  })
  cluster.until('it is answered', () => told.length > 0)
  return present(told[0], 'it is told')
}

const membersOf = ({ node }: SimNode): readonly string[] => node?.cluster?.members.map(({ name }) => name) ?? []

/** All are down, and the disks of all but one are lost; that one has all that was acknowledged, or is well behind. */
function leftAlone(cluster: Cluster): SimNode {
  cluster.run(2_000)
  const [left, ...others] = cluster.sim.alive as [SimNode, ...SimNode[]]
  for (const node of [left, ...others]) cluster.sim.crash(node)
  for (const node of others) cluster.sim.wipe(node)
  return left
}

test('decision R3: who is left goes on with what it has, and takes in others with empty stores', () => {
  const cluster = new Cluster({ founders: 3, spares: 0 })
  const [first] = cluster.sim.nodes as [SimNode]
  for (const slot of slots) for (let by = 1; by <= 60; by++) add(cluster, first, { slot, by })
  const left = leftAlone(cluster)
  const { kept, lost } = recover(cluster, left)
  deepEqual([kept.map(({ group }) => group), lost], [[metaGroup, ...slots], []])
  cluster.sim.start(left)
  cluster.until('it is alone', () => membersOf(left).length === 1)
  for (const slot of slots) equal(add(cluster, left, { slot, by: 1 }), 1 + (60 * 61) / 2)
  const others = cluster.sim.nodes.filter((node) => node !== left)
  for (const node of others) cluster.sim.start(node)
  const isWhole = (): boolean =>
    membersOf(left).length === 3 && cluster.state.table.slots.every(({ replicas, move }) => replicas.length === 3 && move === null)
  cluster.until('all have everything', isWhole, 120_000)
  cluster.run(2_000)
  cluster.sim.crash(left)
  for (const slot of slots) equal(add(cluster, others[0] as SimNode, { slot, by: 1 }), 2 + (60 * 61) / 2)
})

test('who was given up and comes back with what it had is of another cluster', () => {
  const cluster = new Cluster({ founders: 3, spares: 0 })
  cluster.run(2_000)
  const [left, back, gone] = cluster.sim.nodes as [SimNode, SimNode, SimNode]
  for (const node of [left, back, gone]) cluster.sim.crash(node)
  recover(cluster, left)
  cluster.sim.start(left)
  cluster.sim.start(back)
  cluster.until('it is alone', () => membersOf(left).length === 1)
  cluster.run(20_000)
  deepEqual(membersOf(left), [left.name])
  deepEqual(membersOf(back), [])
  equal(cluster.replica(left, 1).raft.membership.voters.length, 1)
})

test('slots that were in memory begin anew, and everything works', () => {
  const cluster = new Cluster({ founders: 3, spares: 0 }, { fleeting: true })
  const [first] = cluster.sim.nodes as [SimNode]
  for (const slot of slots) add(cluster, first, { slot, by: 5 })
  const left = leftAlone(cluster)
  deepEqual(recover(cluster, left).lost, slots)
  cluster.sim.start(left)
  cluster.until(
    'the slots have another life',
    () => left.node?.cluster?.table.slots.slice(1).every(({ life }) => life.number === 2) ?? false,
  )
  for (const slot of slots) equal(add(cluster, left, { slot, by: 1 }), 1)
})

test('a store is recovered again, after which whoever the first recovery knows is of another cluster', () => {
  const cluster = new Cluster({ founders: 3, spares: 0 })
  const left = leftAlone(cluster)
  recover(cluster, left)
  const again = withStore(cluster, left, (loaded) => planRecovery(loaded, { ...options, recovery: 'r-2' }))
  ok(typeof again !== 'string')
  cluster.sim.start(left)
  cluster.until('it is alone', () => membersOf(left).length === 1)
  equal(left.node?.cluster?.formation.recovery, 'r-2')
})

test('terms go on above all that others may have entered, and times do not go back', () => {
  const cluster = new Cluster({ founders: 3, spares: 0 })
  const left = leftAlone(cluster)
  const before: Loaded[] = []
  const { batch } = withStore(cluster, left, (loaded) => {
    before.push(loaded)
    return planRecovery(loaded, options)
  }) as Recovery
  for (const { group, hardState, entries } of batch.groups) {
    const stored = present(
      before[0]?.groups.find((each) => each.group === group),
      'it was there',
    )
    const last = stored.entries.at(-1)
    equal(hardState?.term, stored.hardState.term + lostTermsMax)
    equal(entries[0]?.index, (last?.index ?? stored.base.index) + 1)
    ok((entries[0]?.time ?? -1) >= (last?.time ?? 0))
  }
})

test('a node that never belonged to a cluster, and one that does not vote on who is a member, cannot be gone on from', () => {
  const cluster = new Cluster({ founders: 3, spares: 0 })
  const left = leftAlone(cluster)
  const withoutMeta = (loaded: Loaded): Loaded => ({ ...loaded, groups: loaded.groups.filter(({ group }) => group !== metaGroup) })
  equal(
    withStore(cluster, left, (loaded) => planRecovery(withoutMeta(loaded), options)),
    'no-meta-group',
  )
  equal(
    withStore(cluster, left, (loaded) => planRecovery({ ...loaded, node: null }, options)),
    'not-formed',
  )
})
