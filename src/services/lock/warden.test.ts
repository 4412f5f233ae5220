import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { decodeCommand } from '#core/lock/command-codec.ts'
import { LockMachine } from '#core/lock/machine.ts'
import type { DeadlockMode, LockCommand } from '#core/lock/types.ts'
import { clientId, resourceName, sessionId } from '#core/lock/types.ts'
import { term } from '#core/raft/types.ts'
import type { Leadership } from '#runtime/leadership.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import type { ProposalOutcome } from '#wire/peer-message.ts'
import { Warden } from './warden.ts'

const session = sessionId('s')

/** A leader's replica, whose log the test is. */
class Leader {
  readonly scheduler = new Scheduler()
  readonly clock = new Machine('n', this.scheduler, { touched() {} })
  readonly machine = new LockMachine()
  readonly proposed: { readonly command: LockCommand; readonly done: (outcome: ProposalOutcome) => void }[] = []
  term = 1
  leads = true
  leaseMs = 450
  readonly warden: Warden
  #index = 0

  constructor(deadlockPolicy: DeadlockMode | null = null) {
    this.warden = new Warden({
      clock: this.clock,
      leadership: () => (this.leads ? this.leadership : null),
      state: () => this.machine.state,
      propose: (bytes, done) => {
        const command = decodeCommand(bytes)
        if (command.ok) this.proposed.push({ command: command.value, done })
      },
      deadlockPolicy,
    })
  }

  get leadership(): Leadership {
    const now = this.clock.now()
    return { term: term(this.term), now, leaseUntil: millis(now + this.leaseMs), machineTime: now }
  }

  apply(command: LockCommand): string {
    const time = this.clock.now()
    const { answer, events } = this.machine.execute(command, { index: ++this.#index, term: this.term, time, wall: wallMillis(time) })
    for (const event of events) this.warden.applied(event)
    this.warden.look()
    return answer.type
  }

  run(ms: number): void {
    this.scheduler.run(this.scheduler.now + ms, () => {})
  }

  get types(): string[] {
    return this.proposed.map(({ command }) => command.type)
  }
}

function withSession(): Leader {
  const leader = new Leader()
  leader.warden.look()
  leader.apply({ type: 'open-session', session, client: clientId('A'), ttlMs: 4_000, lockDelayMs: 0 })
  return leader
}

test('decision L1: no keep-alive is answered without a valid lease, nor by a replica that does not lead', () => {
  const leader = withSession()
  deepEqual(leader.warden.keepAlive(session), { type: 'kept', ttlMs: 4_000, wounded: false })
  leader.leaseMs = 0
  equal(leader.warden.keepAlive(session), null)
  leader.leaseMs = 450
  leader.leads = false
  equal(leader.warden.keepAlive(session), null)
})

test('decision L1: who keeps its session alive keeps it, and who does not is proposed to lose it, once', () => {
  const leader = withSession()
  leader.run(3_000)
  leader.warden.keepAlive(session)
  leader.run(3_990)
  deepEqual(leader.types, [])
  leader.run(5_000)
  deepEqual(
    leader.proposed.map(({ command }) => command),
    [{ type: 'expire-sessions', term: 1, sessions: [session] }],
  )
  equal(leader.warden.keepAlive(session), null, 'neither kept alive nor lost yet')
  leader.apply({ type: 'expire-sessions', term: 1, sessions: [session] })
  equal(leader.warden.keepAlive(session), 'lost')
})

test('decision L1: an end that certainly never got into the log is taken back, and one that may have stands', () => {
  const leader = withSession()
  leader.run(4_001)
  equal(leader.proposed.length, 1)
  leader.proposed[0]?.done({ type: 'refused', code: 'overloaded', leader: null })
  deepEqual(leader.warden.keepAlive(session), { type: 'kept', ttlMs: 4_000, wounded: false })
  leader.run(4_001)
  equal(leader.proposed.length, 2)
  leader.proposed[1]?.done({ type: 'unknown' })
  equal(leader.warden.keepAlive(session), null)
})

test('decision L1: in each of its terms a leader gives every session a full lease', () => {
  const leader = withSession()
  leader.run(3_900)
  leader.term = 3
  leader.warden.look()
  leader.run(3_990)
  deepEqual(leader.types, [])
  leader.run(20)
  deepEqual(leader.types, ['expire-sessions'])
})

test('decision L1: a leader whose lease has lapsed ends no session until it is valid again', () => {
  const leader = withSession()
  leader.leaseMs = -1
  leader.run(6_000)
  deepEqual(leader.types, [])
  leader.leaseMs = 450
  leader.run(100)
  deepEqual(leader.types, ['expire-sessions'])
})

test('decision L5: a wounded client is told so when it keeps its session alive', () => {
  const leader = withSession()
  const items = [{ resource: resourceName('r'), mode: 'exclusive' as const }]
  const terms = { identity: null, items, ttlMs: 0, lockDelayMs: 0, waitMs: null } as const
  const older = sessionId('older')
  leader.apply({ type: 'configure', mode: 'wound-wait' })
  leader.apply({ type: 'open-session', session: older, client: clientId('B'), ttlMs: 4_000, lockDelayMs: 0 })
  leader.apply({ type: 'acquire', owner: { client: clientId('B'), session: older }, ...terms })
  leader.apply({ type: 'acquire', owner: { client: clientId('A'), session }, ...terms })
  deepEqual(leader.warden.keepAlive(older), { type: 'kept', ttlMs: 4_000, wounded: true })
  deepEqual(leader.warden.keepAlive(session), { type: 'kept', ttlMs: 4_000, wounded: false })
})

test('leases end when their time has come, one proposal after the other', () => {
  const leader = new Leader()
  const owner = { client: clientId('A'), session: null }
  const items = [{ resource: resourceName('r'), mode: 'exclusive' as const }]
  leader.apply({ type: 'acquire', identity: null, owner, items, ttlMs: 1_000, lockDelayMs: 0, waitMs: 0 })
  leader.run(990)
  deepEqual(leader.types, [])
  leader.run(200)
  deepEqual(leader.types, ['expire-due'])
  equal(leader.apply({ type: 'expire-due' }), 'ended')
  leader.proposed[0]?.done({ type: 'applied', index: 2 as never, answer: new Uint8Array(0) })
  leader.run(2_000)
  deepEqual(leader.types, ['expire-due'], 'nothing else is due')
})

test('a replica that does not lead proposes nothing, and a warden that is stopped neither', () => {
  const leader = withSession()
  leader.leads = false
  leader.warden.look()
  leader.run(10_000)
  leader.leads = true
  leader.warden.stop()
  leader.warden.look()
  leader.run(10_000)
  deepEqual(leader.types, [])
})

test('decision L5: a leader brings the policy that it was told into the log, again when that did not get there, and no other', () => {
  const leader = new Leader('wound-wait')
  leader.leads = false
  leader.warden.look()
  deepEqual(leader.types, [])
  leader.leads = true
  leader.warden.look()
  leader.warden.look()
  const told = { type: 'configure', mode: 'wound-wait' } as const
  deepEqual(
    leader.proposed.map(({ command }) => command),
    [told],
  )
  leader.proposed[0]?.done({ type: 'refused', code: 'overloaded', leader: null })
  leader.run(1_000)
  deepEqual(
    leader.proposed.map(({ command }) => command),
    [told, told],
  )
  equal(leader.apply(told), 'configured')
  leader.proposed[1]?.done({ type: 'applied', index: 2 as never, answer: new Uint8Array(0) })
  leader.run(10_000)
  equal(leader.proposed.length, 2, 'it is so')
  leader.apply({ type: 'configure', mode: 'youngest' })
  equal(leader.proposed.length, 3, 'another leader was told otherwise')
})

test('decision L5: a leader that was told of no policy leaves the one that there is', () => {
  const leader = new Leader()
  leader.apply({ type: 'configure', mode: 'youngest' })
  leader.run(10_000)
  deepEqual(leader.types, [])
})
