import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import type { PeerMessage, PeerResponse } from '#wire/peer-message.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { Requests } from './requests.ts'
import { World } from '#test/harness/runtime-world.ts'

const done: PeerResponse = { type: 'done' }
const question = { type: 'group-status', group: 1 } as const

function asking() {
  const scheduler = new Scheduler()
  const clock = new Machine('n', scheduler, { touched() {} })
  const sent: PeerMessage[] = []
  const transport = {
    start() {},
    setPeers() {},
    stop() {},
    send: (_to: string, _lane: string, message: PeerMessage) => void sent.push(message),
  }
  const requests = new Requests({ clock, transport, prng: new Prng(1), post: (task) => clock.soon(task) })
  const answers: (PeerResponse | null)[] = []
  const ask = (to: string) => requests.ask(to, question, { timeoutMs: 1_000, done: (answer) => answers.push(answer) })
  const ids = (): number[] => sent.map((message) => (message.type === 'request' ? message.id : -1))
  return { requests, ask, ids, answers, run: (ms: number) => scheduler.run(scheduler.now + ms, () => {}) }
}

test('a question ends once: with its answer, or without one when the time is over, whatever comes later', () => {
  const { requests, ask, ids, answers, run } = asking()
  requests.connected('b')
  ask('b')
  ask('b')
  const [first = 0, second = 0] = ids()
  requests.answered('b', first, done)
  requests.answered('b', first, done)
  run(2_000)
  requests.answered('b', second, done)
  requests.broken('b')
  requests.stop()
  deepEqual(answers, [done, null])
})

test('an answer counts only from the node that was asked', () => {
  const { requests, ask, ids, answers } = asking()
  requests.connected('b')
  ask('b')
  requests.answered('c', ids()[0] ?? 0, done)
  deepEqual(answers, [])
})

test('who cannot be reached is not asked, and the answer does not come before the call returns', () => {
  const { requests, ask, ids, answers, run } = asking()
  ask('b')
  deepEqual(answers, [])
  run(1)
  deepEqual([answers, ids()], [[null], []])
  requests.connected('b')
  ask('b')
  requests.broken('b')
  deepEqual(answers, [null, null])
  equal(requests.reaches('b'), false)
})

test('after a stop every question has ended, and one that comes then ends at once', () => {
  const { requests, ask, answers } = asking()
  requests.connected('b')
  ask('b')
  requests.stop()
  ask('b')
  deepEqual(answers, [null, null])
})

test('an answer to what was asked before a restart is not taken for an answer to a question of now', () => {
  const ids: number[] = []
  const world = new World({
    names: ['a', 'b'],
    sent: (_from, _to, message) => {
      if (message.type === 'request') ids.push(message.id)
    },
  })
  const ask = () => world.get('a').host.requests.ask('b', question, { timeoutMs: 1_000, done: () => {} })
  for (let life = 0; life < 3; life++) {
    ask()
    ask()
    world.crash('a')
    world.restart('a')
  }
  equal(new Set(ids).size, 6)
  ok(ids.every((id) => Number.isSafeInteger(id)))
})
