import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { LockMachine } from '#core/lock/machine.ts'
import type { Hop } from '#core/lock/types.ts'
import { clientId, resourceName, sessionId } from '#core/lock/types.ts'
import { LockStateMachine } from './lock-machine.ts'
import type { LockQuestion, LockViews } from './lock-questions.ts'
import { linksOf, viewOf } from './lock-views.ts'

/** A machine in which each of these clients has asked for each of these resources exclusively, in this order. */
function held(requests: readonly (readonly [client: string, resource: string])[]): LockMachine {
  const machine = new LockMachine()
  for (const [at, [client, resource]] of requests.entries()) {
    const owner = { client: clientId(client), session: null }
    const items = [{ resource: resourceName(resource), mode: 'exclusive' as const }]
    const command = { type: 'acquire', identity: null, owner, items, ttlMs: 1_000, lockDelayMs: 0, waitMs: null } as const
    machine.execute(command, { index: at + 1, term: 1, time: millis(at), wall: wallMillis(Date.UTC(2026, 0, 1)) })
  }
  return machine
}

const page = (machine: LockMachine, question: Partial<Extract<LockQuestion, { type: 'locks' }>>): string => {
  const view = viewOf(machine.state, { type: 'locks', prefix: '', after: null, limit: 100, ...question }) as LockViews['locks']
  return [...view.locks.map(({ resource_id: id }) => id), '>', view.next ?? ''].join(' ')
}

test('a page has the next names in their order, and tells where the one after it begins', () => {
  const names = ['b', 'a', 'é', 'c', 'a2', 'ab', 'z']
  const machine = held(names.map((name) => ['A', name] as const))
  equal(page(machine, {}), 'a a2 ab b c z é > ')
  equal(page(machine, { limit: 3 }), 'a a2 ab > ab')
  equal(page(machine, { limit: 3, after: 'ab' }), 'b c z > z')
  equal(page(machine, { limit: 3, after: 'z' }), 'é > ')
  equal(page(machine, { limit: 7 }), 'a a2 ab b c z é > ')
  equal(page(machine, { prefix: 'a', limit: 2 }), 'a a2 > a2')
  equal(page(machine, { prefix: 'x' }), '> ')
})

test('a lock has its holders and its waiters in order, and one that nobody knows has none', () => {
  const { state } = held([
    ['A', 'r'],
    ['B', 'r'],
    ['C', 'r'],
  ])
  const view = viewOf(state, { type: 'lock', resource: 'r' }) as LockViews['lock']
  deepEqual(
    view.waiters.map(({ client_id: client, position }) => [client, position]),
    [
      ['B', 1],
      ['C', 2],
    ],
  )
  deepEqual([view.holder_count, view.waiter_count, view.holders[0]?.fencing_token], [1, 2, 1])
  const none = viewOf(state, { type: 'lock', resource: 'x' }) as LockViews['lock']
  deepEqual([none.holders, none.waiters, none.closed_until], [[], [], null])
})

test('a deadlock is shown with its graph, and its last client waits for the first', () => {
  const { state } = held([
    ['A', 'r1'],
    ['B', 'r2'],
    ['A', 'r2'],
    ['B', 'r1'],
  ])
  const view = viewOf(state, { type: 'deadlocks' }) as LockViews['deadlocks']
  deepEqual(view.graph, [{ client_id: 'A', waits_for: 'B', resource_id: 'r2', behind: 'holder' }])
  equal(view.found, 1)
  deepEqual([view.recent[0]?.victim, view.recent[0]?.cycle.join()], ['B', 'B,A'])
  deepEqual(
    view.recent[0]?.waits.map(({ client_id: client, waits_for: next }) => `${client}>${next}`),
    ['B>A', 'A>B'],
  )
})

test('of a cycle that is told in part, nobody is said to wait for whom it does not', () => {
  const hop = (client: string): Hop => ({ client: clientId(client), resource: resourceName('r'), behind: 'holder' })
  const links = linksOf([hop('A'), hop('B'), hop('C')], 9)
  deepEqual(
    links.map(({ client_id: client, waits_for: next }) => `${client}>${next}`),
    ['A>B', 'B>C'],
  )
})

test('a token and a session are looked up', () => {
  const { state } = held([['A', 'r']])
  deepEqual(viewOf(state, { type: 'check', resource: 'r', token: 1 }), { valid: true, reason: 'held' })
  deepEqual(viewOf(state, { type: 'check', resource: 'r', token: 2 }), { valid: false, reason: 'expired' })
  deepEqual(viewOf(state, { type: 'session', session: sessionId('s') }), { open: false })
})

test('bytes that are no command are refused by the machine and change nothing', () => {
  const machine = new LockStateMachine({ applied() {}, restored() {} })
  const context = { index: 1 as never, position: 0, term: 1 as never, time: millis(0), wall: wallMillis(0), version: 1 }
  machine.apply(new Uint8Array([255, 1, 2]), context)
  equal(machine.state.resources.size, 0)
})
