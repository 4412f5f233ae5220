import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { encodeCommand } from '#core/lock/command-codec.ts'
import { lockLimits } from '#core/lock/limits.ts'
import { LockState } from '#core/lock/state.ts'
import type { Acquire, Applied, Grant, Hop, Item, LockAnswer, LockCommand, LockEvent, LockMode, OwnerRef } from '#core/lock/types.ts'
import { clientId, fencingToken, resourceName, sessionId } from '#core/lock/types.ts'
import { logIndex, term } from '#core/raft/types.ts'
import { Ledger } from './ledger.ts'

/** A log whose machine does whatever a test says: the ledger must find what is wrong with it. */
class PlantedLog {
  readonly ended: string[] = []
  readonly #state = new LockState(lockLimits)
  #next: Applied = { answer: { type: 'cancelled' }, events: [] }
  #index = 0
  readonly ledger = new Ledger(
    () => this.#index,
    {
      holdEnded: ({ client }, { resource }, reason) => this.ended.push(`${client} ${resource} ${reason}`),
      sessionEnded: (session, reason) => this.ended.push(`${session} ${reason}`),
    },
    { state: this.#state, apply: () => this.#next },
  )

  says(command: LockCommand, answer: LockAnswer, ...events: LockEvent[]): void {
    this.#next = { answer, events }
    const context = {
      index: logIndex(++this.#index),
      position: 0,
      term: term(1),
      time: millis(this.#index),
      wall: wallMillis(0),
      version: 1,
    }
    this.ledger.applying(encodeCommand(command), context)
  }

  grants(who: string, what: string, token: number): void {
    this.says(acquire(who, what), done, granted(who, what, token))
  }

  queues(who: string, what: string): void {
    this.says(acquire(who, what), { type: 'queued', position: 1, holders: [], ttlMs: null })
  }

  ends(who: string, what: string, token: number, ...events: LockEvent[]): void {
    const grant: Grant = { ...itemOf(what), token: fencingToken(token) }
    this.says(later, done, { type: 'hold-ended', owner: ownerOf(who), grant, reason: 'released' }, ...events)
  }
}

const done: LockAnswer = { type: 'cancelled' }
const later: LockCommand = { type: 'expire-due' }

/** `A` or `A/s`, under session s. */
function ownerOf(who: string): OwnerRef {
  const [client = '', session] = who.split('/')
  return { client: clientId(client), session: session === undefined ? null : sessionId(session) }
}

/** `r`, or `r:s` for a shared lock. */
function itemOf(what: string): Item {
  const [name = '', shared] = what.split(':')
  const mode: LockMode = shared === 's' ? 'shared' : 'exclusive'
  return { resource: resourceName(name), mode }
}

const acquire = (who: string, what: string): Acquire => {
  const items = what.split(' ').map(itemOf)
  return { type: 'acquire', identity: null, owner: ownerOf(who), items, ttlMs: 1_000, lockDelayMs: 0, waitMs: null }
}

const granted = (who: string, what: string, token: number): LockEvent => ({
  type: 'granted',
  owner: ownerOf(who),
  grants: what.split(' ').map((item, at) => ({ ...itemOf(item), token: fencingToken(token + at) })),
})

test('a lawful log is let pass: readers together, a writer behind them, an upgrade before it', () => {
  const log = new PlantedLog()
  log.grants('A', 'r:s', 1)
  log.grants('B', 'r:s', 2)
  log.queues('C', 'r')
  log.queues('A', 'r')
  log.ends('B', 'r:s', 2, granted('A', 'r', 3))
  log.ends('A', 'r', 3, granted('C', 'r', 4))
  equal(log.ledger.grant(1)?.end, 'upgraded')
  equal(log.ledger.grant(4)?.until, null)
  equal(log.ended.join(', '), 'B r released, A r released')
})

test('two grants that conflict are found', () => {
  const log = new PlantedLog()
  log.grants('A', 'r:s', 1)
  throws(() => log.grants('B', 'r', 2), /beside A \(shared\), B \(exclusive\)/)
})

test('a token that is not larger than the last one is found, over all resources', () => {
  const log = new PlantedLog()
  log.grants('A', 'r', 5)
  throws(() => log.grants('B', 'q', 5), /with token 5 after 5/)
})

test('a reader that passes a writer is found', () => {
  const log = new PlantedLog()
  log.grants('A', 'r:s', 1)
  log.queues('B', 'r')
  throws(() => log.grants('C', 'r:s', 2), /before B, who is in front of it/)
})

test('who passes a request for several resources is found, even where one of them is idle', () => {
  const log = new PlantedLog()
  log.grants('A', 'q', 1)
  log.queues('B', 'q r')
  throws(() => log.grants('C', 'r', 2), /before B, who is in front of it/)
})

test('a grant to a session that is over is found', () => {
  const log = new PlantedLog()
  log.says(later, done, { type: 'session-opened', session: sessionId('s'), ttlMs: 1_000 })
  log.grants('A/s', 'r', 1)
  log.ends('A/s', 'r', 1, { type: 'session-ended', session: sessionId('s'), reason: 'expired' })
  throws(() => log.grants('A/s', 'r', 2), /under a session that is over/)
})

test('a grant that nobody asks for is found', () => {
  const log = new PlantedLog()
  throws(() => log.says(later, done, granted('A', 'r', 1)), /that it does not ask for/)
})

test('who is next and left waiting is found', () => {
  const log = new PlantedLog()
  log.grants('A', 'r', 1)
  log.queues('B', 'r')
  throws(() => log.ends('A', 'r', 1), /B is next at r and is left waiting/)
})

test('who stood behind a wait that ended and is left waiting is found', () => {
  const log = new PlantedLog()
  log.grants('A', 'r:s', 1)
  log.queues('B', 'r')
  log.queues('C', 'r:s')
  const ended: LockEvent = { type: 'wait-ended', owner: ownerOf('B'), items: [itemOf('r')], answer: { type: 'cancelled' } }
  throws(() => log.says(later, done, ended), /C is next at r and is left waiting/)
})

test('a deadlock that is left is found, also one through a place in a queue', () => {
  const log = new PlantedLog()
  log.grants('A', 'r:s', 1)
  log.grants('C', 'q', 2)
  log.queues('B', 'r')
  log.queues('A', 'q')
  throws(() => {
    for (let entry = 0; entry < 8; entry++) log.queues('C', 'r:s')
  }, /a deadlock is left between B, A, C/)
})

const hop = (client: string, resource: string, behind: Hop['behind']): Hop => ({
  client: clientId(client),
  resource: resourceName(resource),
  behind,
})

function tells(log: PlantedLog, who: string, what: string, cycle: readonly Hop[]): void {
  const record = { index: 1, wall: wallMillis(0), mode: 'requester', cycle, length: cycle.length, victim: clientId(who) } as const
  log.says(acquire(who, what), { type: 'deadlock', cycle, length: cycle.length }, { type: 'deadlock', record })
}

test('a deadlock that is told must be there, link by link', () => {
  const log = new PlantedLog()
  log.grants('A', 'r', 1)
  log.grants('B', 'q', 2)
  log.queues('A', 'q')
  tells(log, 'B', 'r', [hop('B', 'r', 'holder'), hop('A', 'q', 'holder')])
  throws(() => tells(log, 'C', 'r', [hop('C', 'r', 'holder'), hop('A', 'q', 'holder')]), /A does not wait at q behind C, a holder/)
})
