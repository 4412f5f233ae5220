import { equal, ok } from 'node:assert/strict'
import { millis, wallMillis } from '#base/brand.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Entry } from '#core/raft/types.ts'
import type { Batch, Ownership, RedisSession, RedisSlots, Replied, Reply, SnapshotRecord, Tail } from '#ports/redis-slots.ts'

/** A Redis that several nodes can use. */
export interface TestRedis {
  connect(name: string): RedisSlots
  /** All connections break; what is durable stays. */
  restart(): Promise<void>
  dispose(): Promise<void>
}

export const promised = <Value>(call: (done: Replied<Value>) => void): Promise<Reply<Value>> => new Promise((resolve) => call(resolve))

/** What was done; anything else fails the test. */
export async function done<Value>(call: (done: Replied<Value>) => void): Promise<Value> {
  const reply = await promised(call)
  ok(reply.type === 'done', `the call is ${reply.type}`)
  return reply.value
}

/** One node's way to the test's Redis, and what it hears of it. */
export class TestClient {
  readonly slots: RedisSlots
  readonly heard: string[] = []
  session: RedisSession | null = null
  /** How many there were. */
  sessions = 0
  #waiting: (() => void)[] = []

  constructor(slots: RedisSlots) {
    this.slots = slots
    slots.start({
      up: (session) => {
        equal(this.session, null, 'one session at a time')
        this.session = session
        this.sessions++
        this.#hear('up')
      },
      down: (reason) => {
        this.session = null
        this.#hear(`down: ${reason}`)
      },
    })
  }

  async isUp(): Promise<RedisSession> {
    for (;;) {
      if (this.session !== null) return this.session
      await this.#next()
    }
  }

  /** Another session has begun since there were so many; the one before may have ended long ago. */
  async renewed(since: number): Promise<RedisSession> {
    while (this.sessions === since) await this.#next()
    return this.isUp()
  }

  async isDown(): Promise<void> {
    while (this.session !== null) await this.#next()
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.slots.stop(resolve))
  }

  #hear(what: string): void {
    this.heard.push(what)
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

export const start: Tail = { index: logIndex(0), batch: '' }
export const nobody: Ownership = { owner: null, epoch: term(0) }
export const ownedBy = (owner: string | null, epoch: number): Ownership => ({ owner, epoch: term(epoch) })
export const tailOf = (index: number, batch: string): Tail => ({ index: logIndex(index), batch })

export const loggedAt = (index: number, epoch = 1, bytes = Uint8Array.of(index & 0xff, 0, 10, 13, 255)): Entry => ({
  index: logIndex(index),
  term: term(epoch),
  time: millis(index * 1.5),
  wall: wallMillis(1_700_000_000_000 + index),
  payload: { type: 'command', bytes },
})

/** Entries behind `previous`. */
export function batchBehind(previous: Tail, id: string, count: number, epoch = 1): Batch {
  return { id, previous, entries: Array.from({ length: count }, (_, at) => loggedAt(previous.index + 1 + at, epoch)) }
}

export const snapshotAt = (index: number, chunks: number, place: 'a' | 'b' = 'a'): SnapshotRecord => ({
  place,
  chunks,
  bytes: chunks * 3,
  index: logIndex(index),
  epoch: term(1),
  time: millis(index * 1.5),
})
