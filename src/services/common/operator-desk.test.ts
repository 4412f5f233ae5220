import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import type { MembersView, OperatorApi } from '#api/common/operators.ts'
import { metaGroup } from '#runtime/meta-machine.ts'
import { LockWorld, TestCall } from '#test/harness/lock-world.ts'
import { QueueWorld } from '#test/harness/queue-world.ts'

const call = new TestCall()
type World = LockWorld | QueueWorld

const operatorsOf = (world: World, name: string): OperatorApi => {
  const { server } = world.get(name)
  return server.nodeApi.operators
}

async function membersAt(world: World, name: string): Promise<MembersView> {
  const seen = await world.answer(operatorsOf(world, name).members({}, call))
  ok(seen.ok, seen.ok ? '' : seen.error.code)
  return seen.value
}

/** Asks again and again, in the time of the world. */
async function untilMembers(world: World, at: string, what: string, isSo: (view: MembersView) => boolean): Promise<void> {
  for (let asked = 0; asked < 200; asked++) {
    if (isSo(await membersAt(world, at))) return
    await world.run(500)
  }
  throw new Error(`never: ${what}`)
}

const stateOf = ({ members }: MembersView, id: string): string | undefined => members.find(({ node_id: name }) => name === id)?.state

test('every node tells the members as the leader of the meta group has them, with the constants and what is silent', async () => {
  const world = await LockWorld.start({ spares: 1 })
  await untilMembers(world, 'n4', 'the spare is active', (view) => stateOf(view, 'n4') === 'active')
  const silent = present(
    world.nodes.find(({ name, node }) => name !== 'n4' && node.leadership(metaGroup) === null),
    'somebody follows',
  )
  world.crash(silent)
  await world.run(5_000)
  for (const { name } of world.nodes.filter(({ down }) => !down)) {
    const view = await membersAt(world, name)
    deepEqual([view.node_id, view.members.length, view.dead_after_ms, view.constants?.election_min_ms], [name, 4, 60_000, 500])
    const member = present(
      view.members.find(({ node_id: id }) => id === silent.name),
      'it is still a member',
    )
    ok(member.state === 'active' && (member.silent_ms ?? 0) >= 4_000 && member.voter && member.replicas === 2)
    ok(member.since !== null)
  }
  await untilMembers(world, 'n4', 'it is taken for dead', (view) => stateOf(view, silent.name) === 'dead')
})

test('without a leader a node tells the members as it knows them, if that is what is asked for', async () => {
  const world = await LockWorld.start()
  const at = await world.follower()
  for (const node of world.nodes) if (node !== at) world.crash(node)
  await world.run(3_000)
  const asked = await world.answer(operatorsOf(world, at.name).members({}, call))
  equal(asked.ok ? '' : asked.error.code, 'no_leader')
  const local = await world.answer(operatorsOf(world, at.name).members({ consistency: 'local' }, call))
  deepEqual(local.ok && local.value.members.map(({ state, since, silent_ms: silentMs }) => [state, since, silentMs]), [
    ['active', null, null],
    ['active', null, null],
    ['active', null, null],
  ])
})

test('a node that is told to leave hands over, gives up its replicas, is removed and ends; calls go on meanwhile', async () => {
  const world = await LockWorld.start({ spares: 1 })
  await untilMembers(world, 'n4', 'the spare is active', (view) => stateOf(view, 'n4') === 'active')
  const leaver = await world.leader()
  const asked = await world.answer(operatorsOf(world, 'n4').leave({ node_id: leaver.name }, call))
  deepEqual(asked.ok && asked.value, { status: 'leaving', node_id: leaver.name, replicas: 2 })
  const again = await world.answer(operatorsOf(world, leaver.name).leave({}, call))
  ok(again.ok && again.value.node_id === leaver.name)
  let attempts = 0
  while (!leaver.down && attempts++ < 200) {
    const taken = await world.answer(world.locks('n4').acquire({ resource_id: `r${attempts}`, client_id: 'A', wait_ms: 5_000 }, call))
    ok(taken.ok, taken.ok ? '' : taken.error.code)
    await world.run(100)
  }
  ok(leaver.down, 'its process has ended')
  const view = await membersAt(world, 'n4')
  equal(stateOf(view, leaver.name), undefined)
  deepEqual([view.moves_left, view.members.map(({ replicas }) => replicas)], [0, [2, 2, 2]])
  const audits = world.logged.filter(({ event }) => event === 'audit')
  deepEqual(
    audits.map(({ node, fields }) => [
      node,
      fields['action'],
      fields['member'],
      fields['outcome'],
      fields['requestId'],
      fields['remoteAddress'],
    ]),
    [
      ['n4', 'leave', leaver.name, 'done', 'request', '127.0.0.1'],
      [leaver.name, 'leave', leaver.name, 'done', 'request', '127.0.0.1'],
    ],
  )
})

test('who is alive is not removed, a dead one is at once, and nobody whose replica a majority needs', async () => {
  const world = await LockWorld.start({ spares: 1 })
  await untilMembers(world, 'n4', 'the spare is active', (view) => stateOf(view, 'n4') === 'active')
  const follower = await world.follower()
  const { operators } = (await world.leader()).server.nodeApi
  const tryTo = async (body: { readonly node_id: string; readonly force?: boolean }): Promise<string> => {
    const outcome = await world.answer(operators.remove(body, call))
    return outcome.ok ? outcome.value.status : outcome.error.code
  }
  equal(await tryTo({ node_id: 'stranger' }), 'unknown_member')
  equal(await tryTo({ node_id: follower.name }), 'member_alive')
  equal(await tryTo({ node_id: follower.name, force: true }), 'member_alive')
  world.crash(follower)
  await world.run(3_000)
  equal(await tryTo({ node_id: follower.name }), 'member_alive')
  equal(await tryTo({ node_id: follower.name, force: true }), 'removed')
  equal(await tryTo({ node_id: follower.name }), 'removed', 'who was not told asks again')
  await untilMembers(
    world,
    'n4',
    'its replicas are replaced',
    ({ members, moves_left: left }) => left === 0 && members.every(({ replicas }) => replicas === 2),
  )
})

test('of two members that are told to leave at once one stays', async () => {
  const world = await LockWorld.start({ founders: 2 })
  const asked = ['n1', 'n2'].map((name) => operatorsOf(world, name).leave({}, call))
  const outcomes = await world.answer(Promise.all(asked))
  deepEqual(outcomes.map((outcome) => (outcome.ok ? outcome.value.status : outcome.error.code)).toSorted(), ['last_member', 'leaving'])
})

test('of two that fell silent, neither is removed while a slot would be left with one replica that is heard', async () => {
  const world = await LockWorld.start({ founders: 5 })
  const { state } = present((await world.leader()).node.overview, 'it is in a cluster')
  const [first, second] = present(state.table.slots[1], 'locks have a slot').replicas.map(({ node }) => node)
  const silent = [present(first, 'it has three replicas'), present(second, 'it has three replicas')]
  for (const name of silent) world.crash(world.get(name))
  await world.run(3_000)
  const at = present(
    world.nodes.find(({ down }) => !down),
    'three are up',
  )
  for (const name of silent) {
    const outcome = await world.answer(operatorsOf(world, at.name).remove({ node_id: name, force: true }, call))
    equal(outcome.ok ? outcome.value.status : outcome.error.code, 'no_majority')
  }
})

test('the last member cannot leave, and a dead one neither', async () => {
  const alone = await LockWorld.start({ founders: 1 })
  const last = await alone.answer(operatorsOf(alone, 'n1').leave({}, call))
  equal(last.ok ? '' : last.error.code, 'last_member')

  const world = await LockWorld.start()
  const follower = await world.follower()
  world.crash(follower)
  const { name } = await world.leader()
  await untilMembers(world, name, 'it is taken for dead', (view) => stateOf(view, follower.name) === 'dead')
  const dead = await world.answer(operatorsOf(world, name).leave({ node_id: follower.name }, call))
  equal(dead.ok ? '' : dead.error.code, 'member_dead')
})

test('leadership of all that a node leads goes elsewhere and stays there, until it is balanced again', async () => {
  const world = await QueueWorld.start()
  const operators = operatorsOf(world, 'n1')
  const leadsOf = (name: string): number =>
    Array.from({ length: 33 }, (_, at) => at + 1).filter((group) => world.get(name).node.leadership(group) !== null).length
  const moved = await world.answer(operators.transfer({ from: 'n2' }, call))
  ok(moved.ok && moved.value.leaders.length > 0 && moved.value.leaders.every(({ from, to }) => from === 'n2' && to !== 'n2'))
  await world.until('it leads nothing', () => leadsOf('n2') === 0)
  await world.run(20_000)
  equal(leadsOf('n2'), 0)
  ok((await membersAt(world, 'n3')).pinned_slots.length > 0)
  const balanced = await world.answer(operators.rebalance({}, call))
  ok(balanced.ok && balanced.value.slots.length > 0)
  await world.until('it leads again', () => leadsOf('n2') > 0)
  deepEqual((await membersAt(world, 'n3')).pinned_slots, [])
})

test('leadership that was sent to a node whose clock is wrong is offered to it ever more rarely, and taken once the clock is right', async () => {
  const world = await LockWorld.start()
  const [leader, heir] = [await world.leader(), await world.follower()]
  heir.machine.jumpWall(600_000)
  await world.run(2_000)
  const sent = await world.answer(operatorsOf(world, leader.name).transfer({ slot: 1, to: heir.name }, call))
  ok(sent.ok)
  const terms = new Set<number>()
  for (let passed = 0; passed < 60_000; passed += 100) {
    const leadership = world.nodes.map(({ node }) => node.leadership(1)).find((each) => each !== null)
    if (leadership) terms.add(leadership.term)
    await world.run(100)
  }
  // A hand-over that leads nowhere costs a term or two.
  ok(terms.size >= 3 && terms.size <= 9, `${terms.size} terms in a minute`)
  heir.machine.resetWall()
  await world.until('it leads', () => heir.node.leadership(1) !== null, 125_000)
})

test('leadership goes to no stranger, and of no slot that there is not', async () => {
  const world = await LockWorld.start({ spares: 1 })
  const { operators } = (await world.leader()).server.nodeApi
  const tryTo = async (body: { readonly slot?: number; readonly from?: string; readonly to?: string }): Promise<string> => {
    const outcome = await world.answer(operators.transfer(body, call))
    return outcome.ok ? outcome.value.status : outcome.error.code
  }
  equal(await tryTo({ slot: 1, to: 'stranger' }), 'unknown_member')
  equal(await tryTo({ from: 'stranger' }), 'unknown_member')
  equal(await tryTo({ slot: 0 }), 'unknown_slot')
  equal(await tryTo({ slot: 2 }), 'unknown_slot')
  equal(await tryTo({ slot: 1, to: 'n4' }), 'cannot_lead')
  const follower = await world.follower()
  equal(await tryTo({ slot: 1, to: follower.name }), 'transferring')
  await world.until('it leads', () => follower.node.leadership(1) !== null)
  match(JSON.stringify(world.logged.findLast(({ event }) => event === 'audit')?.fields), /"action":"transfer","slot":1/)
})
