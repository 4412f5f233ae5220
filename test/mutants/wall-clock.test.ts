import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { wallMillis } from '#base/brand.ts'
import { logIndex } from '#core/raft/types.ts'
import { OneHost, timing } from './one-host.ts'

/** A host with a group of its own, and two peers whose wall clocks are so far ahead of its own. */
function roleBeside(aheadMs: readonly number[]): { readonly role: () => string; readonly listen: (ahead: readonly number[]) => void } {
  const one = new OneHost()
  const initial = { voters: [one.replica], outgoing: [], learners: [] }
  const listen = (ahead: readonly number[]): void => {
    for (let passed = 0; passed < 3 * timing.electionMaxMs; passed += timing.heartbeatMs) {
      ahead.forEach((ms, position) => {
        const wall = wallMillis(one.machine.wall() + ms)
        one.host.message({ name: `n${position + 2}`, incarnation: '1' }, { type: 'heartbeats', wall, beats: [] })
      })
      one.run(timing.heartbeatMs)
    }
  }
  one.host.create(1, { replica: one.replica, initial, decidedAt: logIndex(0) }, () => {})
  listen(aheadMs)
  return { role: () => one.host.groups.get(1)?.raft.role ?? 'none', listen }
}

test('decision R5: a node whose wall clock is minutes away from all others does not lead until it is mended', () => {
  const node = roleBeside([600_000, 600_100])
  equal(node.role(), 'follower')
  node.listen([0, 10])
  node.listen([0, 10])
  equal(node.role(), 'leader')
})

test('decision R5: one bad wall clock does not bar those that agree from leading', () => {
  equal(roleBeside([5, 600_000]).role(), 'leader')
  equal(roleBeside([-600_000, 5]).role(), 'leader')
  equal(roleBeside([5, -5]).role(), 'leader')
})
