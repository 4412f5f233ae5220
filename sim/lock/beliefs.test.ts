import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { HoldEnd, LockMode, SessionId } from '#core/lock/types.ts'
import { clientId, sessionId } from '#core/lock/types.ts'
import { Beliefs } from './beliefs.ts'
import type { GrantRecord } from './ledger.ts'

/** What the servers know is whatever a test says. */
class Scene {
  now = 0
  readonly grants = new Map<number, GrantRecord>()
  readonly sessions = new Map<string, { until: number | null; end: string | null }>()
  readonly beliefs = new Beliefs({ grant: (token) => this.grants.get(token), session: (id) => this.sessions.get(id) }, () => this.now)

  logs(client: string, token: number, mode: LockMode = 'exclusive'): void {
    this.grants.set(token, { resource: 'r', client, session: null, mode, from: this.now, until: null, end: null })
  }

  logsEnd(token: number, end: HoldEnd, session: SessionId | null = null): void {
    const grant = this.grants.get(token)
    if (grant === undefined) throw new Error('there is no such grant')
    grant.until = this.now
    grant.end = end
    this.beliefs.holdEnded({ client: clientId(grant.client), session }, grant.resource, end)
  }

  tells(client: string, token: number, until: number, mode: LockMode = 'exclusive', sentAt = 0): boolean {
    return this.beliefs.granted({ client, resource: 'r', mode, token, session: null, until, sentAt })
  }
}

test('one after the other, and readers at one time, are let pass', () => {
  const scene = new Scene()
  scene.logs('A', 1)
  equal(scene.tells('A', 1, 100), true)
  scene.now = 50
  scene.beliefs.letGo('A', 'r')
  scene.logsEnd(1, 'released')
  for (const [client, token] of [
    ['B', 2],
    ['C', 3],
  ] as const) {
    scene.logs(client, token, 'shared')
    equal(scene.tells(client, token, 200, 'shared', 50), true)
  }
  scene.now = 201
  scene.logsEnd(2, 'lease-expired')
})

test('two clients that believe at one time that they hold a lock are found', () => {
  const scene = new Scene()
  scene.logs('A', 1)
  scene.logs('B', 2)
  scene.tells('A', 1, 100)
  scene.now = 99
  throws(() => scene.tells('B', 2, 200), /B and A both believe that they hold r/)
})

test('a belief that is over when another begins is no fault', () => {
  const scene = new Scene()
  scene.logs('A', 1)
  scene.logs('B', 2)
  scene.tells('A', 1, 100)
  scene.now = 100
  equal(scene.tells('B', 2, 200), true)
})

test('a lease that ends at the servers while its client may trust it is found, told before or after', () => {
  const before = new Scene()
  before.logs('A', 1)
  before.tells('A', 1, 100)
  before.now = 99
  throws(() => before.logsEnd(1, 'lease-expired'), /may trust r until 100.0, and it has ended by lease-expired at 99.0/)
  const after = new Scene()
  after.logs('A', 1)
  after.now = 50
  after.logsEnd(1, 'lease-expired')
  throws(() => after.tells('A', 1, 100), /that has ended by lease-expired at 50.0/)
})

test('the end of what an earlier session of a client held says nothing of what it holds now', () => {
  const scene = new Scene()
  scene.logs('A', 1, 'shared')
  scene.logs('A', 2, 'shared')
  scene.tells('A', 2, 100, 'shared')
  scene.logsEnd(1, 'session-expired', sessionId('earlier'))
  throws(() => scene.logsEnd(2, 'lease-expired'), /may trust r until/)
})

test('what an operator takes away by force is left out', () => {
  const scene = new Scene()
  scene.logs('A', 1)
  scene.tells('A', 1, 100)
  scene.logsEnd(1, 'forced')
  scene.logs('B', 2)
  equal(scene.tells('B', 2, 100), true)
  equal(scene.tells('A', 1, 100), false)
})

test('a token that was told to another, or is of no grant, or of one that was over before, is found', () => {
  const scene = new Scene()
  throws(() => scene.tells('A', 1, 100), /which the log does not say/)
  scene.logs('A', 1)
  throws(() => scene.tells('B', 1, 100), /which the log does not say/)
  scene.now = 10
  scene.logsEnd(1, 'released')
  throws(() => scene.tells('A', 1, 100, 'exclusive', 11), /which was over before it asked/)
})

test('decision L1: a session that ends while its client may count on it is found, whichever comes first', () => {
  const before = new Scene()
  before.sessions.set('s', { until: null, end: null })
  before.beliefs.kept('s', 100)
  before.now = 99
  throws(() => before.beliefs.sessionEnded('s', 'expired'), /kept alive until 100.0, and has ended \(expired\) at 99.0/)
  const after = new Scene()
  after.now = 50
  after.sessions.set('s', { until: 50, end: 'expired' })
  throws(() => after.beliefs.kept('s', 100), /kept alive until 100.0, and has ended at 50.0/)
})

test('a client that keeps its session alive trusts its locks for longer', () => {
  const scene = new Scene()
  scene.sessions.set('s', { until: null, end: null })
  scene.logs('A', 1)
  scene.logs('B', 2)
  scene.beliefs.kept('s', 100)
  scene.beliefs.granted({ client: 'A', resource: 'r', mode: 'exclusive', token: 1, session: 's', until: null, sentAt: 0 })
  scene.now = 90
  scene.beliefs.kept('s', 200)
  scene.now = 150
  throws(() => scene.tells('B', 2, 300), /both believe/)
})

test('a process that stands still trusts in nothing, and what it trusts in when it goes on is looked at', () => {
  const scene = new Scene()
  scene.logs('A', 1)
  scene.logs('B', 2)
  scene.tells('A', 1, Infinity)
  scene.beliefs.trusts('A', 'r', 0)
  equal(scene.tells('B', 2, 200), true)
  throws(() => scene.beliefs.trusts('A', 'r', Infinity), /A and B both believe/)
  scene.beliefs.trusts('A', 'r', 0)
  scene.logsEnd(1, 'session-expired')
  throws(() => scene.beliefs.trusts('A', 'r', Infinity), /A may trust r until/)
})
