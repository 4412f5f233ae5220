import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from './limits.ts'
import { Cluster } from './testkit.ts'
import type { Message } from './types.ts'

const mebibyte = 1024 * 1024
const command = new Uint8Array(256 * 1024)
const commandsBehind = 4 * 4

/** Large messages to c wait in one line, in which so many bytes move in each millisecond; all others go past it. */
class SlowLink {
  readonly cluster = new Cluster({ voters: ['a', 'b', 'c'] })
  carried = 0
  /** All that was put on the line. */
  sent = 0
  readonly #bytesPerMs: number
  readonly #line: { readonly message: Message; left: number }[] = []

  constructor(mebibytesPerSecond: number) {
    this.#bytesPerMs = (mebibytesPerSecond * mebibyte) / 1_000
    const { cluster } = this
    cluster.elect('a')
    cluster.run(200)
    cluster.isolate('c')
    for (let behind = 0; behind < commandsBehind; behind += 4) {
      cluster.step('a', { type: 'propose', term: cluster.raft('a').term, commands: Array.from({ length: 4 }, () => command) })
      cluster.settle()
    }
    cluster.heal()
    cluster.network = []
  }

  get isCaughtUp(): boolean {
    return this.cluster.raft('c').lastIndex === this.cluster.raft('a').lastIndex
  }

  /** What is on its way is lost, as with a connection that ends: so many messages. */
  breakOff(): number {
    return this.#line.splice(0).length
  }

  pass(ms: number): void {
    const { cluster } = this
    cluster.now += ms
    for (const name of ['a', 'b', 'c']) cluster.tick(name)
    for (let turn = 0; turn < 6; turn++) {
      for (const message of cluster.take(isLarge)) {
        this.#line.push({ message, left: bytesOf(message) })
        this.sent += bytesOf(message)
      }
      cluster.deliver((message) => !isLarge(message))
      for (const name of ['a', 'b', 'c']) cluster.finishWrites(name)
    }
    this.#move(ms * this.#bytesPerMs)
    cluster.finishWrites('c')
  }

  #move(bytes: number): void {
    let room = bytes
    for (let first = this.#line[0]; first !== undefined && room > 0; first = this.#line[0]) {
      const part = Math.min(room, first.left)
      first.left -= part
      room -= part
      this.carried += part
      if (first.left > 0) return
      this.#line.shift()
      this.cluster.receive(first.message)
    }
  }
}

const isLarge = (message: Message): boolean => message.to === 'c' && message.type === 'append'
const bytesOf = (message: Message): number => 100 + (message.type === 'append' ? message.entries.length * (command.length + 32) : 0)

for (const rate of [1, 4]) {
  test(`a follower behind a link of ${rate} MiB/s catches up as fast as that carries what it lacks`, () => {
    const link = new SlowLink(rate)
    const since = link.cluster.now
    while (!link.isCaughtUp && link.cluster.now - since < 60_000) link.pass(10)
    const idealMs = (commandsBehind * command.length) / mebibyte / (rate / 1_000)
    ok(link.cluster.now - since < 1.2 * idealMs + 1_000, `${link.cluster.now - since} ms, ideal is ${idealMs}`)
    ok(link.sent < 1.5 * commandsBehind * command.length, `${link.sent} bytes`)
  })
}

test('a window that was lost is sent again within some heartbeats', () => {
  const link = new SlowLink(100)
  for (let ms = 0; ms < 1_000 && link.carried < mebibyte; ms += 10) link.pass(10)
  ok(link.breakOff() > 1)
  const since = link.cluster.now
  while (!link.isCaughtUp && link.cluster.now - since < 10_000) link.pass(10)
  const { heartbeatMs } = link.cluster.timing
  ok(link.cluster.now - since <= (limits.silentRounds + 2) * heartbeatMs, `${link.cluster.now - since} ms`)
  equal(link.cluster.leader, 'a')
})

test('many late answers at once are one silence, and not many', () => {
  const cluster = new Cluster({ voters: ['a', 'b', 'c'] })
  cluster.elect('a')
  cluster.run(200)
  cluster.propose('a')
  cluster.take(isLarge)
  cluster.settle()
  const late: Message[] = []
  for (let round = 0; round < 20; round++) {
    cluster.now += cluster.timing.heartbeatMs
    for (const name of ['a', 'b', 'c']) cluster.tick(name)
    cluster.deliver(({ type }) => type === 'heartbeat')
    late.push(...cluster.take(({ type, from }) => type === 'heartbeat-ack' && from === 'c'))
    cluster.settle()
  }
  for (const message of late) cluster.receive(message)
  equal(cluster.take(isLarge).length, 1)
  let rounds = 0
  for (; cluster.raft('c').lastIndex < cluster.raft('a').lastIndex && rounds < 40; rounds++) cluster.run(cluster.timing.heartbeatMs)
  ok(rounds <= 2 * limits.silentRounds + 1, `${rounds} rounds`)
})
