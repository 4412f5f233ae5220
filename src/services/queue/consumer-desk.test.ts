import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { noLeader } from '#api/common/faults.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { err } from '#base/result.ts'
import { decodeCommand, encodeAnswer, encodeCommand } from '#core/queue/command-codec.ts'
import { queueLimits } from '#core/queue/limits.ts'
import { QueueMachine } from '#core/queue/machine.ts'
import { viewPartition } from '#core/queue/queries.ts'
import { definitionOf, message } from '#core/queue/testkit-samples.ts'
import type { QueueCommand } from '#core/queue/types.ts'
import { consumerId, generation } from '#core/queue/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Forwarded } from '#services/common/group-path.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import { encodeCommand as encodeLogged } from '#wire/command.ts'
import { wireLimits } from '#wire/limits.ts'
import { Bodies } from './bodies.ts'
import { ConsumerDesk } from './consumer-desk.ts'
import { queueServiceLimits as limits } from './limits.ts'
import type { Consume, PeerAnswer } from './peer-messages.ts'
import { encodePeerAnswer } from './peer-messages.ts'

const group = 1
const queue = { generation: generation(1), partition: 0 }

/** The leader of one slot. What its desk asks of the log waits until the test carries it out. */
class Leader {
  readonly machine: QueueMachine
  readonly asked: QueueCommand[] = []
  readonly #open: { readonly command: QueueCommand; readonly done: (forwarded: Forwarded) => void }[] = []
  /** What the desk wants to do when time has passed. */
  readonly later: (() => void)[] = []
  readonly stored = new Map<number, Uint8Array>()
  readonly #lost = new Map<number, Uint8Array>()
  /** What is logged from now on. */
  isReadable = true
  leads = true
  time = 0
  wall = 0
  /** Seconds, as they were measured. */
  readonly measured: number[] = []
  #index = 0
  readonly #clock: Clock = {
    now: () => millis(0),
    wall: () => wallMillis(this.wall),
    after: (_, call) => (this.later.push(call), () => {}),
    soon: (call) => call(),
  }
  readonly desk = new ConsumerDesk({
    clock: this.#clock,
    bodies: new Bodies({ readEntry: (_, __, done) => done(null), fetch: (_, index, done) => done(this.stored.get(index) ?? null) }),
    telemetry: { ...silentTelemetry, observe: (_, __, seconds) => this.measured.push(seconds) },
    post: (task) => task(),
    ledState: () => (this.leads ? this.machine.state : null),
    leaderOf: () => (this.leads ? 'n1' : 'n2'),
    vouchesFor: () => this.leads,
    submit: (_, bytes, done) => {
      const command = decodeCommand(bytes)
      ok(command.ok)
      this.asked.push(command.value)
      this.#open.push({ command: command.value, done })
    },
  })

  constructor(options: { readonly inFlightMax?: number } = {}) {
    this.machine = new QueueMachine({ clusterId: 'cluster', slot: group }, { ...queueLimits, ...options })
    this.log({ type: 'configure', queue: definitionOf('q', 1), catalogueVersion: 1 })
  }

  log(command: QueueCommand): ReturnType<QueueMachine['apply']>['answer'] {
    const context = { index: ++this.#index, term: 1, time: millis(this.time), wall: wallMillis(0) }
    const where = this.isReadable ? this.stored : this.#lost
    where.set(this.#index, encodeLogged({ type: 'anonymous', body: encodeCommand(command) }))
    const { answer, events } = this.machine.apply(encodeCommand(command), context)
    this.desk.applied(group, events)
    return answer
  }

  /** Everything can be read again. */
  restore(): void {
    for (const [index, entry] of this.#lost) this.stored.set(index, entry)
  }

  commit(): void {
    for (const { command, done } of this.#open.splice(0)) done({ ok: true, value: encodeAnswer(this.log(command)) })
  }

  /** None of it gets into the log. */
  refuse(): void {
    for (const { done } of this.#open.splice(0)) done(err(noLeader()))
  }

  consume(fields: Partial<Consume> = {}): PeerAnswer[] {
    const request = { type: 'consume', ticket: 't', queue, consumer: consumerId('C'), max: 1, visibilityMs: null, waitMs: 0 } as const
    const answers: PeerAnswer[] = []
    this.desk.consume(group, { ...request, ...fields }, (answer) => answers.push(answer))
    return answers
  }
}

test('where there is no room for more leases that is said, and not that the queue is empty', () => {
  const leader = new Leader({ inFlightMax: 1 })
  deepEqual(leader.consume(), [{ type: 'empty' }])
  leader.log({ type: 'produce', queue, producer: null, messages: [message('a'), message('b')] })
  const [taken] = [leader.consume({ ticket: 'first' }), leader.commit()]
  equal(taken[0]?.type, 'delivered')
  deepEqual(leader.consume({ ticket: 'second' }), [{ type: 'refused', code: 'in_flight_full' }])
  const waits = leader.consume({ ticket: 'third', waitMs: 10 })
  equal(waits.length, 0)
  leader.time = 60_000
  leader.log({ type: 'expire-due' })
  leader.commit()
  equal(waits[0]?.type, 'delivered')
})

test('the first delivery of a message is measured from when it was taken, and a later one is not', () => {
  const leader = new Leader()
  leader.log({ type: 'produce', queue, producer: null, messages: [message('a')] })
  leader.wall = 4_000
  leader.consume()
  leader.commit()
  deepEqual(leader.measured, [4])
  leader.time = 60_000
  leader.log({ type: 'expire-due' })
  const again = leader.consume({ ticket: 'again' })
  leader.commit()
  deepEqual([again[0]?.type, leader.measured], ['delivered', [4]])
})

test('a question that the network brings twice leases once, and its copy does not say that there is nothing', () => {
  const leader = new Leader()
  leader.log({ type: 'produce', queue, producer: null, messages: [message('a'), message('b')] })
  const first = leader.consume()
  const copy = leader.consume()
  deepEqual([leader.asked.length, copy], [1, []])
  leader.commit()
  deepEqual([first.length, copy], [1, first])
})

test('who asks again because its connection broke gets what comes later, and nothing is leased to its former question', () => {
  const leader = new Leader()
  const former = leader.consume({ ticket: 't1', waitMs: 100 })
  const again = leader.consume({ ticket: 't1', waitMs: 100 })
  leader.log({ type: 'produce', queue, producer: null, messages: [message('a'), message('b')] })
  leader.commit()
  deepEqual(bodiesOf(again), ['a'])
  deepEqual(former, again)
  equal(leader.asked.length, 1)
})

test('who asks again while the log is asked for it gets what that gives', () => {
  const leader = new Leader()
  leader.log({ type: 'produce', queue, producer: null, messages: [message('a'), message('b')] })
  leader.consume({ ticket: 't1', waitMs: 100 })
  const again = leader.consume({ ticket: 't1', waitMs: 100 })
  leader.commit()
  deepEqual(bodiesOf(again), ['a'])
  equal(leader.asked.length, 1)
  leader.consume({ ticket: 't2', waitMs: 100 })
  leader.consume({ ticket: 't2', waitMs: 100 })
  leader.desk.leave('t2')
  leader.commit()
  equal(viewPartition(leader.machine.state, queue)?.inFlight, 2)
  leader.commit()
  equal(viewPartition(leader.machine.state, queue)?.inFlight, 1, 'who left gives back, whichever question it was')
})

test('who waits is asked for as soon as something comes, and no sooner', () => {
  const leader = new Leader()
  leader.log({ type: 'produce', queue, producer: null, messages: [message('a')] })
  leader.consume({ ticket: 't1', waitMs: 100 })
  leader.consume({ ticket: 't2', waitMs: 100 })
  equal(leader.asked.length, 1, 'there is one message')
  leader.desk.checkInvariants()
  leader.commit()
  leader.log({ type: 'produce', queue, producer: null, messages: [message('b')] })
  leader.desk.checkInvariants()
  equal(leader.asked.filter(({ type }) => type === 'consume').length, 2)
})

test('what was asked for one who does not get it is asked for the next one', () => {
  const leader = new Leader()
  leader.log({ type: 'produce', queue, producer: null, messages: [message('a')] })
  const first = leader.consume({ ticket: 't1', waitMs: 100 })
  const second = leader.consume({ ticket: 't2', consumer: consumerId('D'), waitMs: 100 })
  leader.refuse()
  equal(first[0]?.type, 'elsewhere')
  leader.desk.checkInvariants()
  deepEqual([leader.asked.length, second], [2, []])
})

test('who is being asked for when its leader is deposed, and gets nothing, is sent on at once', () => {
  const leader = new Leader()
  leader.log({ type: 'produce', queue, producer: null, messages: [message('a')] })
  const answers = leader.consume({ ticket: 't1', waitMs: 100 })
  leader.leads = false
  leader.desk.roleChanged(group)
  deepEqual(answers, [], 'what it asked of the log may be carried out yet')
  // The new leader has given the message to somebody else by then.
  leader.log({ type: 'consume', queue, consumer: consumerId('D'), max: 1, bytesMax: 1, visibilityMs: null })
  leader.commit()
  deepEqual(answers, [{ type: 'elsewhere', leader: 'n2' }])
})

const bodiesOf = (answers: readonly PeerAnswer[]): string[] =>
  answers
    .flatMap((answer) => (answer.type === 'delivered' ? answer.messages : []))
    .map(({ message: { body } }) => Buffer.from(body).toString())

/** Those of `bodies` with a star cannot be read. */
function holding(...bodies: readonly (string | { readonly body: string; readonly key: string })[]): Leader {
  const leader = new Leader()
  for (const each of bodies) {
    const { body, key } = typeof each === 'string' ? { body: each, key: null } : each
    leader.isReadable = !body.endsWith('*')
    leader.log({ type: 'produce', queue, producer: null, messages: [message(body, { key })] })
  }
  leader.isReadable = true
  return leader
}

/** Asks again and again, as a node does for its client, whenever it is sent on. */
function take(leader: Leader, fields: Partial<Consume> = {}): string[] {
  for (let attempt = 0; attempt < 20; attempt++) {
    const answers = leader.consume({ ticket: `take-${attempt}`, waitMs: 100, ...fields })
    leader.commit()
    for (const call of leader.later.splice(0)) call()
    leader.commit()
    const [answer] = answers
    if (answer?.type === 'delivered') return bodiesOf(answers)
    if (answer === undefined) leader.desk.leave(`take-${attempt}`)
  }
  return []
}

const givenBack = ({ asked }: Leader): number[] =>
  asked.flatMap((command) => (command.type === 'nack' && command.kind.type === 'release' ? [command.kind.delayMs] : []))

test('a partition of which nothing can be read rests before it is asked for again', () => {
  const leader = holding('a*')
  leader.consume({ ticket: 't1', waitMs: 100 })
  leader.commit()
  leader.commit()
  leader.consume({ ticket: 't2', waitMs: 100 })
  leader.desk.checkInvariants()
  deepEqual(
    leader.asked.map(({ type }) => type),
    ['consume', 'nack'],
  )
  for (const call of leader.later.splice(0)) call()
  equal(leader.asked.at(-1)?.type, 'consume')
})

test('what can be read of a delivery is delivered, and only the rest goes back', () => {
  const leader = holding('a', 'b*', 'c')
  deepEqual(take(leader, { max: 10 }), ['a', 'c'])
  deepEqual(givenBack(leader), [0])
  equal(viewPartition(leader.machine.state, queue)?.deliverable, 1)
})

test('a message that cannot be read keeps its place for a few attempts, then others go first', () => {
  const leader = holding('a*', 'b', 'c')
  deepEqual(take(leader), ['b'])
  deepEqual(givenBack(leader), [0, 0, limits.unreadableAsideMs])
  deepEqual(take(leader), ['c'])
  equal(givenBack(leader).length, 3, 'it is out of the way')
})

test('what stepped aside comes again, later and later, and at its place as soon as it can be read', () => {
  const leader = holding('a*', 'b')
  deepEqual(take(leader), ['b'])
  leader.time += limits.unreadableAsideMs
  leader.log({ type: 'expire-due' })
  deepEqual(take(leader), [])
  deepEqual(givenBack(leader), [0, 0, limits.unreadableAsideMs, 2 * limits.unreadableAsideMs])
  leader.restore()
  leader.log({ type: 'produce', queue, producer: null, messages: [message('c')] })
  leader.time += 2 * limits.unreadableAsideMs
  leader.log({ type: 'expire-due' })
  deepEqual(take(leader), ['a*'])
})

test('a message with a key that cannot be read holds up its key, and nothing else', () => {
  const leader = holding({ body: 'a*', key: 'k' }, { body: 'b', key: 'k' }, { body: 'c', key: 'l' })
  deepEqual(take(leader, { max: 10 }), ['c'])
  deepEqual(take(leader, { max: 10 }), [])
  leader.restore()
  leader.time += 10 * limits.unreadableAsideMs
  leader.log({ type: 'expire-due' })
  deepEqual(take(leader), ['a*'])
})

test('nothing failed because its body could not be read', () => {
  const leader = holding('a*')
  deepEqual(take(leader), [])
  leader.restore()
  leader.time += 10 * limits.unreadableAsideMs
  leader.log({ type: 'expire-due' })
  const answers = leader.consume()
  leader.commit()
  const [answer] = answers
  ok(answer?.type === 'delivered')
  deepEqual(
    answer.messages.map(({ failed, lease }) => [failed, lease]),
    [[0, 4]],
  )
})

test('an answer holds as many messages as fit with their headers, and the rest is at its place for the next one', () => {
  const leader = new Leader()
  const headers = Array.from({ length: 64 }, (_, at) => ({ name: `h${at}`, value: 'x'.repeat(4_000) }))
  const names = Array.from({ length: 90 }, (_, at) => String(at))
  for (let from = 0; from < names.length; from += 30) {
    const messages = names.slice(from, from + 30).map((name) => message(name, { headers }))
    leader.log({ type: 'produce', queue, producer: null, messages })
  }
  const taken: string[] = []
  for (let turn = 0; taken.length < names.length && turn < 10; turn++) {
    const answers = leader.consume({ ticket: `turn-${turn}`, max: 100 })
    leader.commit()
    leader.commit()
    for (const answer of answers) ok(encodePeerAnswer(answer).length < wireLimits.messageBytesMax - 1_024)
    taken.push(...bodiesOf(answers))
    for (const answer of answers) if (answer.type === 'delivered') deepEqual([...new Set(answer.messages.map(({ failed }) => failed))], [0])
  }
  deepEqual(taken, names)
  deepEqual(givenBack(leader), [0, 0])
})
