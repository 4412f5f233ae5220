import type { Entry, LogIndex } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type {
  Appended,
  Batch,
  Claimed,
  ClusterRecord,
  Damaged,
  Fenced,
  LoggedEntry,
  MemberRecord,
  Ownership,
  RedisEvents,
  RedisSlots,
  Replied,
  Reply,
  SlotRecord,
  SnapshotChunk,
  SnapshotPlace,
  SnapshotRecord,
  Trim,
} from '#ports/redis-slots.ts'
import type { RedisServer } from './redis-server.ts'

export interface SimRedisPorts {
  /** Of the node. */
  readonly clock: Clock
  /** Time that passes whatever becomes of the node. */
  readonly network: Pick<Clock, 'after'>
  readonly server: RedisServer
  readonly node: string
}

/** A node's way to a simulated Redis: calls travel, are carried out in order, and are answered, unless their fate is another. */
export class SimRedisSlots implements RedisSlots {
  readonly #ports: SimRedisPorts
  readonly unreadable = []
  #events: RedisEvents | null = null
  #session = 0
  #isUp = false
  #stopped = false
  readonly #open = new Set<() => void>()
  readonly #end = (reason: string): void => {
    if (reason.startsWith('cut off ') && reason !== `cut off ${this.#ports.node}`) return
    this.#down(reason)
  }

  constructor(ports: SimRedisPorts) {
    this.#ports = ports
  }

  start(events: RedisEvents): void {
    this.#events = events
    this.#connect()
  }

  reset(reason: string): void {
    this.#ports.clock.soon(() => this.#down(reason))
  }

  stop(done: () => void): void {
    this.#stopped = true
    this.#down('stopped')
    done()
  }

  found(proposal: ClusterRecord, done: Replied<ClusterRecord>): void {
    this.#call('found', null, (server) => server.found(proposal), done)
  }
  beat(member: MemberRecord, done: Replied<readonly MemberRecord[]>): void {
    this.#call('beat', null, (server) => server.beat(member), done)
  }
  forget(members: readonly MemberRecord[], done: Replied<null>): void {
    this.#call('forget', null, (server) => (server.forget(members), null), done)
  }
  readTable(slots: number, done: Replied<readonly SlotRecord[]>): void {
    this.#call('readTable', null, (server) => server.table(slots), done)
  }
  claim(slot: number, expected: Ownership, owner: string, done: Replied<Claimed>): void {
    this.#call('claim', slot, (server) => server.slot(slot).claim(expected, owner), done)
  }
  assertOwner(slot: number, ownership: Ownership, done: Replied<Claimed>): void {
    this.#call('assertOwner', slot, (server) => server.slot(slot).assertOwner(ownership), done)
  }
  release(slot: number, ownership: Ownership, done: Replied<Fenced>): void {
    this.#call('release', slot, (server) => server.slot(slot).release(ownership), done)
  }
  fail(slot: number, ownership: Ownership, reason: string, done: Replied<Fenced>): void {
    this.#call('fail', slot, (server) => server.slot(slot).fail(ownership, reason), done)
  }
  append(slot: number, ownership: Ownership, batch: Batch, done: Replied<Appended>): void {
    this.#call('append', slot, (server) => server.slot(slot).append(ownership, batch), done)
  }
  readLog(slot: number, range: { readonly from: LogIndex; readonly to: LogIndex }, done: Replied<readonly LoggedEntry[] | Damaged>): void {
    this.#call('readLog', slot, (server) => server.slot(slot).readLog(range), done)
  }
  readEntry(slot: number, index: LogIndex, done: Replied<Entry | null | Damaged>): void {
    this.#call('readEntry', slot, (server) => server.slot(slot).readEntry(index), done)
  }
  writeChunk(slot: number, ownership: Ownership, chunk: SnapshotChunk, done: Replied<Fenced>): void {
    this.#call('writeChunk', slot, (server) => server.slot(slot).writeChunk(ownership, chunk), done)
  }
  install(slot: number, ownership: Ownership, snapshot: SnapshotRecord, done: Replied<Fenced | 'incomplete'>): void {
    this.#call('install', slot, (server) => server.slot(slot).install(ownership, snapshot), done)
  }
  readChunk(slot: number, place: SnapshotPlace, chunk: number, done: Replied<Uint8Array | Damaged>): void {
    const read = (server: RedisServer): Uint8Array | Damaged =>
      server.slot(slot).readChunk(place, chunk) ?? { type: 'damaged', detail: 'missing' }
    this.#call('readChunk', slot, read, done)
  }
  trim(slot: number, ownership: Ownership, trim: Trim, done: Replied<Fenced>): void {
    this.#call('trim', slot, (server) => server.slot(slot).trim(ownership, trim), done)
  }
  readKept(slot: number, after: LogIndex, done: Replied<readonly LogIndex[]>): void {
    this.#call('readKept', slot, (server) => server.slot(slot).readKept(after), done)
  }

  #connect(): void {
    const { clock, server, node } = this.#ports
    clock.after(reconnectMs, () => {
      if (this.#stopped || this.#isUp) return
      if (!server.isReachedBy(node)) {
        this.#events?.down('out of reach')
        this.#connect()
        return
      }
      this.#isUp = true
      this.#session++
      server.opened(this.#end)
      this.#events?.up(server.session)
    })
  }

  #down(reason: string): void {
    if (!this.#isUp) return
    const { clock, server } = this.#ports
    this.#isUp = false
    server.closed(this.#end)
    const open = [...this.#open]
    this.#open.clear()
    clock.soon(() => {
      for (const breakOff of open) breakOff()
      this.#events?.down(reason)
      if (!this.#stopped) this.#connect()
    })
  }

  #call<Value>(call: string, slot: number | null, step: (server: RedisServer) => Value, done: Replied<Value>): void {
    const { clock, network, server, node } = this.#ports
    if (!this.#isUp) {
      clock.soon(() => done({ type: 'broken' }))
      return
    }
    const session = this.#session
    const breakOff = (): void => done({ type: 'broken' })
    const answer = (reply: Reply<Value>): void => {
      clock.after(legMs, () => {
        if (this.#open.delete(breakOff)) done(reply)
      })
    }
    this.#open.add(breakOff)
    network.after(legMs + server.heldMs({ from: node, call, slot }), () => {
      const fate = server.fateOf({ from: node, call, slot })
      const arrives = fate !== 'lost' && this.#isUp && session === this.#session && server.isReachedBy(node)
      const value = arrives ? step(server) : null
      if (fate === 'lost' || fate === 'unanswered') this.reset('the connection broke')
      else if (arrives) answer(fate === 'unconfirmed' ? { type: 'unconfirmed' } : { type: 'done', value: value as Value })
    })
  }
}

/** A leg of the way to the server and back. */
const legMs = 0.2
const reconnectMs = 20
