import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { encodeCommand } from '#core/queue/command-codec.ts'
import { QueueMachine } from '#core/queue/machine.ts'
import { definitionOf, message } from '#core/queue/testkit-samples.ts'
import type { QueueCommand } from '#core/queue/types.ts'
import { generation } from '#core/queue/types.ts'
import { term } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import { encodeCommand as encodeLogged } from '#wire/command.ts'
import { Bodies } from './bodies.ts'
import type { PeerAnswer } from './peer-messages.ts'
import { SlotDesk } from './slot-desk.ts'
import type { MessagesShown, SlotQuestion } from './slot-views.ts'

const group = 1
const queue = { generation: generation(1), partition: 0 }
const clock: Clock = { now: () => millis(0), wall: () => wallMillis(0), after: () => () => {}, soon: (call) => call() }

/** A leader whose log may be ahead of its machine. */
class Leader {
  readonly machine = new QueueMachine({ clusterId: 'cluster', slot: group })
  readonly #stored = new Map<number, Uint8Array>()
  readonly #asking: ((isSo: boolean) => void)[] = []
  readonly #desk = new SlotDesk({
    clock,
    bodies: new Bodies({ readEntry: (_, __, done) => done(null), fetch: (_, index, done) => done(this.#stored.get(index) ?? null) }),
    consumers: { waitingFor: () => new Set(), waitedFor: () => [].values() },
    leadership: () => ({ term: term(1), now: millis(0), leaseUntil: millis(1), machineTime: millis(0) }),
    leaderOf: () => 'n1',
    ledState: () => this.machine.state,
    caughtUp: (_, done) => this.#asking.push(done),
  })
  #index = 0

  apply(command: QueueCommand): void {
    this.#stored.set(++this.#index, encodeLogged({ type: 'anonymous', body: encodeCommand(command) }))
    this.machine.apply(encodeCommand(command), { index: this.#index, term: 1, time: millis(0), wall: wallMillis(0) })
  }

  /** What it has written until now. */
  lose(): void {
    this.#stored.clear()
  }

  look(question: SlotQuestion, caughtUp = false): PeerAnswer[] {
    const answers: PeerAnswer[] = []
    this.#desk.look(group, new TextEncoder().encode(JSON.stringify(question)), (answer) => answers.push(answer))
    if (caughtUp) this.caughtUp(true)
    return answers
  }

  caughtUp(isSo: boolean): void {
    for (const done of this.#asking.splice(0)) done(isSo)
  }
}

const bodiesIn = (answer: PeerAnswer | undefined): string[] =>
  answer?.type === 'view' ? shownIn(answer.view).messages.map(({ body }) => Buffer.from(body ?? '', 'base64').toString()) : []

const shownIn = (view: Uint8Array): MessagesShown => JSON.parse(new TextDecoder().decode(view)) as MessagesShown

const ready: SlotQuestion = { type: 'messages', queue, which: 'ready', from: null, skip: 0, limit: 10 }

test('what a leader shows is as its slot was after it was asked, and not as it had applied it by then', () => {
  const leader = new Leader()
  leader.apply({ type: 'configure', queue: definitionOf('q', 1), catalogueVersion: 1 })
  leader.apply({ type: 'produce', queue, producer: null, messages: [message('a')] })
  const answers = leader.look(ready)
  equal(answers.length, 0, 'its followers may have applied more')
  leader.apply({ type: 'purge', queue, dead: false })
  leader.apply({ type: 'produce', queue, producer: null, messages: [message('b')] })
  leader.caughtUp(true)
  deepEqual(bodiesIn(answers[0]), ['b'])
})

test('what cannot be read is shown without its body, and the rest with theirs', () => {
  const leader = new Leader()
  leader.apply({ type: 'configure', queue: definitionOf('q', 1), catalogueVersion: 1 })
  leader.apply({ type: 'produce', queue, producer: null, messages: [message('a')] })
  leader.lose()
  leader.apply({ type: 'produce', queue, producer: null, messages: [message('b')] })
  const [answer] = leader.look(ready, true)
  ok(answer?.type === 'view')
  deepEqual(
    shownIn(answer.view).messages.map(({ body, delivered }) => [body, delivered]),
    [
      [null, 0],
      ['Yg==', 0],
    ],
  )
})

test('no more is shown at one time than an answer may have, and the place of the next is told', () => {
  const leader = new Leader()
  leader.apply({ type: 'configure', queue: definitionOf('q', 1), catalogueVersion: 1 })
  const large = 'x'.repeat(900_000)
  for (let at = 0; at < 20; at++) leader.apply({ type: 'produce', queue, producer: null, messages: [message(`${at}${large}`)] })
  const begins: string[] = []
  for (let skip = 0; ;) {
    const [answer] = leader.look({ type: 'messages', queue, which: 'ready', from: null, skip, limit: 100 }, true)
    ok(answer?.type === 'view' && answer.view.length < 6_000_000)
    const { messages, next } = shownIn(answer.view)
    begins.push(...bodiesIn(answer).map((body) => body.replaceAll('x', '')))
    skip += messages.length
    if (next === null) break
    equal(messages.length, 4)
    equal(next.index, skip + 2, 'the entry behind those of the queue and of what is shown')
  }
  deepEqual(
    begins,
    Array.from({ length: 20 }, (_, at) => String(at)),
  )
})

test('who cannot say in time how far its slot has come shows nothing', () => {
  const leader = new Leader()
  leader.apply({ type: 'configure', queue: definitionOf('q', 1), catalogueVersion: 1 })
  const answers = [leader.look(ready), leader.look({ type: 'partitions', generations: [1] })]
  leader.caughtUp(false)
  deepEqual(answers.flat(), [
    { type: 'elsewhere', leader: null },
    { type: 'elsewhere', leader: null },
  ])
})
