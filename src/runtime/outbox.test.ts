import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { add, timing, World } from '#test/harness/runtime-world.ts'

test('decision R2: one heartbeat message serves all groups that a node leads, and so does one answer', () => {
  const heard: string[] = []
  const world = new World({
    names: ['a', 'b'],
    sent: (from, to, message) => {
      if (message.type === 'heartbeats' && message.beats.length > 0) heard.push(`${from}>${to} ${message.beats.length} beats`)
      if (message.type === 'heartbeat-acks') heard.push(`${from}>${to} ${message.acks.length} acks`)
    },
  })
  const groups = Array.from({ length: 20 }, (_, position) => position + 1)
  for (const group of groups) world.found(group)
  for (const group of groups) {
    const leader = world.elect(group)
    if (leader !== 'a') world.replica(leader, group).step({ type: 'transfer', to: world.replica('a', group).raft.self })
  }
  world.until('one node leads all', () => groups.every((group) => world.leaders(group).join() === 'a'))
  world.run(2 * timing.heartbeatMs)
  heard.length = 0
  // At rest, groups make a quarter of the rounds.
  world.run(40 * timing.heartbeatMs)
  ok(heard.length >= 18 && heard.length <= 22, `${heard.length} messages in ten rounds`)
  deepEqual([...new Set(heard)].sort(), ['a>b 20 beats', 'b>a 20 acks'])
})

test('decision R2: an answer credits only the group it names: an idle deposed leader loses its lease though its node is heard', () => {
  const world = new World({ names: ['a', 'b', 'c'] })
  world.found(1)
  world.found(2)
  for (const group of [1, 2]) {
    const leader = world.elect(group)
    if (leader !== 'a') world.replica(leader, group).step({ type: 'transfer', to: world.replica('a', group).raft.self })
  }
  world.until('one node leads both', () => world.leaders(1).join() === 'a' && world.leaders(2).join() === 'a')
  world.run(500)
  const deposed = world.replica('a', 1)
  const now = (): number => world.get('a').machine.now()
  ok(deposed.raft.leaseUntil > now())
  // Nothing about group 1 reaches a any more; group 2 goes on as ever.
  const { host } = world.get('a')
  const receive = host.message.bind(host)
  host.message = (from, message) => {
    if (message.type === 'raft' && message.group === 1) return
    if (message.type === 'heartbeats') receive(from, { ...message, beats: message.beats.filter(({ group }) => group !== 1) })
    else if (message.type === 'heartbeat-acks') receive(from, { ...message, acks: message.acks.filter(({ group }) => group !== 1) })
    else receive(from, message)
  }
  world.replica('b', 1).step({
    type: 'message',
    message: { type: 'timeout-now', from: deposed.raft.self, to: world.replica('b', 1).raft.self, term: deposed.raft.term },
  })
  world.until('group 1 has a leader elsewhere', () => world.leaders(1).includes('b'))
  world.run(timing.leaseMs)
  ok(deposed.raft.leaseUntil <= now(), 'the lease of group 1 is over')
  ok(world.replica('a', 2).raft.leaseUntil > now(), 'that of group 2 is not')
  let index: unknown = 'open'
  deposed.readIndex((answer) => {
    index = answer
  })
  world.run(2 * timing.electionMaxMs)
  equal(index, null, 'it vouches for no read, however long it waits')
  equal(deposed.raft.role === 'leader', false, 'and it has noticed')
})

test('a peer that shares no group is told the time, and nothing else', () => {
  const told = new Set<string>()
  const world = new World({
    names: ['a', 'b', 'c'],
    sent: (_from, to, message) => {
      if (to === 'c') told.add(message.type === 'heartbeats' ? `${message.beats.length} beats` : message.type)
    },
  })
  world.found(1, ['a', 'b'])
  const leader = world.elect(1)
  world.propose(leader, 1, [add(1)])
  world.run(1_000)
  deepEqual([...told], ['0 beats'])
})
