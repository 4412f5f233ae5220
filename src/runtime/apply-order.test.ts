import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { add, World } from '#test/harness/runtime-world.ts'

test('a follower with a quick disk acknowledges new entries before it applies the older ones whose commit came with them', () => {
  let ahead = 0
  const world: World = new World({
    names: ['a', 'b', 'c'],
    sent: (from, _, message) => {
      if (message.type !== 'raft' || message.message.type !== 'append-ack') return
      const { raft, applier } = world.replica(from, 1)
      if (raft.commit > applier.last.index) ahead++
    },
    store: (store) => ({
      ...store,
      commit(batch, done) {
        store.commit(batch, () => {})
        done(null)
      },
    }),
  })
  world.found(1)
  const leader = world.elect(1)
  for (let round = 0; round < 5; round++) {
    const outcomes = world.propose(leader, 1, [add(1)])
    world.until('it is committed', () => outcomes.length === 1)
  }
  ok(ahead > 0, 'an acknowledgement left before what was committed was applied')
  const { raft } = world.replica(leader, 1)
  world.until('all have applied everything', () =>
    ['a', 'b', 'c'].every((name) => world.replica(name, 1).applier.last.index === raft.commit),
  )
  equal(world.replica(leader, 1).applier.last.index, raft.commit)
})
