import { assert, present } from '#base/assert.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { Prng } from '#base/prng.ts'
import { Raft } from './raft.ts'
import { TestDisk } from './testkit-disk.ts'
import type { DiskJob } from './testkit-disk.ts'
import { mix, Witness } from './testkit-witness.ts'
import type { TestNode } from './testkit-witness.ts'
import { logIndex, replicaId, term } from './types.ts'
import type { Effects, Entry, Input, Membership, Message, SnapshotMeta, Term, Timing } from './types.ts'

/**
 * A cluster of Raft cores in one thread for tests. Nothing happens by itself: the test says which message is delivered, dropped or
 * doubled, when a disk finishes a write, who crashes and restarts, and what time it is. `settle` and `run` are shorthands for
 * "everything arrives and is written at once". A witness checks the whole cluster after every step.
 */
export interface ClusterOptions {
  readonly voters: readonly string[]
  readonly learners?: readonly string[]
  /** Only these run; messages to the others stay in `network`, and the test speaks for them. All run when absent. */
  readonly live?: readonly string[]
  readonly seed?: number
  readonly timing?: Partial<Timing>
  readonly chunkBytes?: number
  /** The terms of the entries that a replica starts with; all are durable, none is known to be committed. */
  readonly logs?: Readonly<Record<string, readonly number[]>>
  /** The term a replica starts in, when it is not that of its last entry. */
  readonly terms?: Readonly<Record<string, number>>
}

export type ClusterEvent =
  | { readonly type: 'deliver'; readonly message: Message }
  | { readonly type: 'drop'; readonly message: Message }
  | { readonly type: 'written'; readonly node: string; readonly job: DiskJob }
  | { readonly type: 'step'; readonly node: string; readonly input: Input; readonly effects: Effects }

export const testTiming: Timing = { heartbeatMs: 100, electionMinMs: 500, electionMaxMs: 1000, leaseMs: 450 }

export class Cluster {
  readonly nodes = new Map<string, TestNode>()
  readonly witness: Witness
  readonly prng: Prng
  readonly initial: Membership
  network: Message[] = []
  now = 10_000
  timing: Timing
  onEvent: (event: ClusterEvent) => void = () => undefined
  readonly #chunkBytes: number
  readonly #logs: Readonly<Record<string, readonly number[]>>
  readonly #terms: Readonly<Record<string, number>>
  readonly #cuts = new Set<string>()
  #readId = 0
  #commandId = 0

  constructor(options: ClusterOptions) {
    this.prng = new Prng(options.seed ?? 1)
    this.witness = new Witness(options.live === undefined)
    this.timing = { ...testTiming, ...options.timing }
    this.#chunkBytes = options.chunkBytes ?? 16
    this.#logs = options.logs ?? {}
    this.#terms = options.terms ?? {}
    const voters = options.voters.map(replicaId)
    const learners = (options.learners ?? []).map(replicaId)
    this.initial = deepFreeze({ voters, outgoing: [], learners })
    for (const name of options.live ?? [...voters, ...learners]) this.add(name)
  }

  /** A replica that never ran. */
  add(name: string): TestNode {
    const node: TestNode = {
      id: replicaId(name),
      disk: new TestDisk(),
      raft: null,
      instant: { now: millis(0), wall: wallMillis(0) },
      machine: { index: 0, hash: 0 },
      commitSeen: 0,
      roleSeen: 'follower',
      clock: { offset: 0, rate: 1, wallOffset: 1_000_000 },
      diskPaused: false,
    }
    node.disk.entries = storedEntries(this.#logs[name] ?? [])
    node.disk.hardState = { term: term(this.#terms[name] ?? node.disk.entries.at(-1)?.term ?? 0), vote: null }
    this.nodes.set(name, node)
    this.start(name)
    return node
  }

  start(name: string): void {
    const node = this.node(name)
    assert(node.raft === null, 'a replica runs once')
    const { disk } = node
    const { snapshot, partial, hardState } = disk
    node.machine = { index: snapshot?.index ?? 0, hash: snapshot === null ? 0 : decodeHash(disk.snapshotBytes) }
    node.commitSeen = snapshot?.index ?? 0
    node.roleSeen = 'follower'
    this.#readClock(node)
    const log = disk.restored(this.initial)
    node.raft = new Raft({ self: node.id, timing: this.timing, prng: this.prng.fork(), at: node.instant, hardState, log, partial })
    this.witness.counts.restarts++
  }

  crash(name: string, flushed = 0): void {
    const node = this.node(name)
    node.raft = null
    node.disk.crash(flushed)
  }

  restart(name: string, flushed = 0): void {
    this.crash(name, flushed)
    this.start(name)
  }

  node(name: string): TestNode {
    return present(this.nodes.get(name), 'a replica of this name')
  }
  raft(name: string): Raft {
    return present(this.node(name).raft, 'a replica that runs')
  }
  get running(): TestNode[] {
    return [...this.nodes.values()].filter(({ raft }) => raft !== null)
  }
  /** Of several that think they lead, the one with the highest term. */
  get leader(): string | null {
    const leaders = this.running.filter(({ raft }) => raft?.role === 'leader')
    return leaders.toSorted((left, right) => (right.raft?.term ?? 0) - (left.raft?.term ?? 0))[0]?.id ?? null
  }

  step(name: string, input: Input): Effects {
    const node = this.node(name)
    const raft = present(node.raft, 'a replica that runs')
    this.#readClock(node)
    const effects = deepFreeze(raft.step(input, node.instant))
    this.onEvent({ type: 'step', node: name, input, effects })
    this.#perform(node, effects)
    this.witness.observe({ nodes: this.nodes, now: this.now, node, raft, effects })
    return effects
  }

  tick(name: string): Effects {
    return this.step(name, { type: 'tick' })
  }

  receive(message: Message): Effects | null {
    if (!this.reachable(message.from, message.to) || !this.nodes.has(message.to) || this.node(message.to).raft === null) {
      this.onEvent({ type: 'drop', message })
      return null
    }
    this.onEvent({ type: 'deliver', message })
    return this.step(message.to, { type: 'message', message })
  }

  /** One command whose bytes nobody else proposes, or `count` of them. */
  propose(name: string, count = 1): Effects {
    const commands = Array.from({ length: count }, () => command(++this.#commandId))
    return this.step(name, { type: 'propose', term: this.raft(name).term, commands })
  }

  /** The ids of the read states are those this returns. */
  read(name: string): { readonly id: number; readonly effects: Effects } {
    const id = ++this.#readId
    this.witness.read([id])
    return { id, effects: this.step(name, { type: 'read', ids: [id] }) }
  }

  change(name: string, voters: readonly string[], learners: readonly string[] = []): Effects {
    const expectedIndex = this.raft(name).membershipIndex
    return this.step(name, { type: 'change-membership', expectedIndex, voters: voters.map(replicaId), learners: learners.map(replicaId) })
  }

  transfer(name: string, to: string): Effects {
    return this.step(name, { type: 'transfer', to: replicaId(to) })
  }

  /** Takes a snapshot of all that is applied, and drops what is more than `keep` entries older. */
  compact(name: string, keep = 0): void {
    const node = this.node(name)
    const raft = this.raft(name)
    const { index, hash } = node.machine
    if (index <= (raft.inspect().log.snapshot?.index ?? 0)) return
    const last = present(raft.entryAt(logIndex(index)), 'the last applied entry is in the log')
    const known = raft.membershipAt(logIndex(index))
    const bytes = encodeHash(hash, index, name)
    const snapshot: SnapshotMeta = deepFreeze({
      index: last.index,
      term: last.term,
      time: last.time,
      membership: known.membership,
      membershipIndex: known.index,
      bytes: bytes.length,
    })
    const dropUpTo = logIndex(Math.max(raft.base, index - keep))
    node.disk.jobs.push({ type: 'compact', snapshot, dropUpTo, bytes })
    this.witness.counts.compactions++
  }

  /** Delivers the messages that the filter lets through, oldest first, and what they cause as well. */
  deliver(filter: (message: Message) => boolean = () => true): number {
    let delivered = 0
    for (;;) {
      const position = this.network.findIndex((message) => this.nodes.has(message.to) && filter(message))
      const [message] = position === -1 ? [] : this.network.splice(position, 1)
      if (message === undefined) return delivered
      this.receive(message)
      assert(++delivered < 100_000, 'messages come to an end')
    }
  }

  /** Removes the messages that the filter names, and returns them. */
  take(filter: (message: Message) => boolean = () => true): Message[] {
    const taken = this.network.filter((message) => filter(message))
    this.network = this.network.filter((message) => !filter(message))
    return taken
  }

  /** Finishes the oldest job of a disk. */
  finishWrite(name: string): void {
    const node = this.node(name)
    const job = node.disk.finish()
    this.onEvent({ type: 'written', node: name, job })
    if (job.type === 'persist') {
      this.network.push(...job.messages)
      this.step(name, { type: 'persisted', id: job.persist.id })
    } else if (job.type === 'chunk') {
      const offset = job.offset + job.bytes.length
      this.step(name, { type: 'snapshot-written', index: job.snapshot.index, offset, last: job.last })
    } else if (job.type === 'compact') {
      this.step(name, { type: 'compact', snapshot: job.snapshot, dropUpTo: job.dropUpTo })
    } else {
      const { to, index, offset } = job
      this.step(name, { type: 'snapshot-read', to, index, offset, ...node.disk.read(index, offset, this.#chunkBytes) })
    }
  }

  finishWrites(name: string): void {
    while (this.node(name).raft !== null && this.node(name).disk.jobs.length > 0) this.finishWrite(name)
  }

  /** Everything that is on its way arrives, everything asked for is written, without time passing. */
  settle(): void {
    for (let busy = true; busy;) {
      busy = this.deliver() > 0
      for (const { id, disk, diskPaused, raft } of this.nodes.values()) {
        if (diskPaused || raft === null || disk.jobs.length === 0) continue
        this.finishWrites(id)
        busy = true
      }
    }
  }

  /** Lets time pass; every replica ticks when it is due, and between ticks everything settles. */
  run(forMs: number, until: () => boolean = () => false): void {
    const end = this.now + forMs
    this.settle()
    while (!until()) {
      const due = this.running
        .map((node) => ({ node, at: Math.max(this.now, this.#clusterTime(node, present(node.raft, 'it runs').deadline)) }))
        .toSorted((left, right) => left.at - right.at)[0]
      if (due === undefined || due.at > end) {
        this.now = Math.max(end, this.now)
        return
      }
      this.now = due.at
      this.tick(due.node.id)
      this.settle()
    }
  }

  /** Makes a replica lead by letting its time-out end first; everything else settles meanwhile. */
  elect(name: string): void {
    this.settle()
    for (let attempts = 0; this.raft(name).role !== 'leader'; attempts++) {
      assert(attempts < 20, 'it can be elected')
      this.now = Math.max(this.now + 1, this.#clusterTime(this.node(name), this.raft(name).deadline))
      this.tick(name)
      this.settle()
    }
  }

  /** Nothing passes between them, in the direction named or in both. */
  cut(from: string, to: string, direction: 'one-way' | 'both' = 'both'): void {
    this.#cuts.add(`${from}>${to}`)
    if (direction === 'both') this.#cuts.add(`${to}>${from}`)
  }
  isolate(name: string): void {
    for (const other of this.nodes.keys()) if (other !== name) this.cut(name, other)
  }
  heal(): void {
    this.#cuts.clear()
  }
  reachable(from: string, to: string): boolean {
    return !this.#cuts.has(`${from}>${to}`)
  }

  #readClock(node: TestNode): void {
    const now = millis(node.clock.offset + node.clock.rate * this.now)
    node.instant = { now, wall: wallMillis(Math.floor(this.now + node.clock.wallOffset)) }
  }

  /** Rounded up a little, so that a clock with an odd rate has really reached its deadline then. */
  #clusterTime({ clock }: TestNode, at: number): number {
    const exact = (at - clock.offset) / clock.rate
    return clock.rate === 1 ? exact : exact + 0.001
  }

  #perform(node: TestNode, effects: Effects): void {
    const { disk } = node
    for (const message of effects.send) this.network.push(message)
    if (effects.persist !== null) {
      disk.jobs.push({ type: 'persist', persist: effects.persist, messages: [...effects.sendAfterPersist] })
    } else if (effects.sendAfterPersist.length > 0) {
      const last = disk.jobs.findLast((job) => job.type === 'persist')
      ;(last?.messages ?? this.network).push(...effects.sendAfterPersist)
    }
    if (effects.restore !== null) this.#restore(node, effects.restore)
    for (const entry of effects.apply) this.#apply(node, entry)
    for (const read of effects.snapshotReads) disk.jobs.push({ type: 'read', ...read })
    if (effects.snapshotWrite !== null) disk.jobs.push({ type: 'chunk', ...effects.snapshotWrite })
  }

  #restore(node: TestNode, snapshot: SnapshotMeta): void {
    assert(node.disk.snapshot?.index === snapshot.index, 'a machine is restored from a durable snapshot')
    node.machine = { index: snapshot.index, hash: decodeHash(node.disk.snapshotBytes) }
    const known = this.witness.hashes.get(snapshot.index)
    assert(known === undefined || known === node.machine.hash, 'a snapshot holds what was applied up to its index')
  }

  #apply({ machine }: TestNode, entry: Entry): void {
    assert(entry.index === machine.index + 1, 'entries are applied in order, each once')
    machine.index = entry.index
    machine.hash = mix(machine.hash, entry)
  }
}

/** Entries that are equal wherever index and term are equal. */
export const storedEntries = (terms: readonly number[], firstIndex = 1): Entry[] =>
  terms.map((ofTerm, position) => {
    const index = logIndex(firstIndex + position)
    const payload = { type: 'command', bytes: Uint8Array.of(ofTerm, index) } as const
    return deepFreeze({ index, term: term(ofTerm), time: millis(index), wall: wallMillis(0), payload })
  })

export const command = (id: number): Uint8Array => Uint8Array.of(id & 0xff, (id >> 8) & 0xff, (id >> 16) & 0xff)

/**
 * A snapshot of the test machine: its hash, and some bytes to be worth several chunks. No two replicas write the same bytes for one state, as
 * builds of different versions may not.
 */
function encodeHash(hash: number, index: number, maker: string): Uint8Array {
  const mark = maker.charCodeAt(0)
  const bytes = new Uint8Array(8 + (index % 5) * 11 + (mark % 3)).fill(mark)
  new DataView(bytes.buffer).setUint32(0, hash)
  return bytes
}

function decodeHash(bytes: Uint8Array): number {
  const padding = bytes.subarray(4)
  assert(
    padding.every((byte) => byte === padding[0]),
    'a snapshot is the work of one replica',
  )
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
}

/** Messages and entries are shared between replicas here, so nobody may change one (pitfall 40). */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) deepFreeze(part)
  return value
}

export const entriesOf = (raft: Raft): Entry[] => {
  const entries: Entry[] = []
  for (let index = raft.base + 1; index <= raft.lastIndex; index++) {
    entries.push(present(raft.entryAt(logIndex(index)), 'a log has no holes'))
  }
  return entries
}

export const termsOf = (raft: Raft): Term[] => entriesOf(raft).map((entry) => entry.term)
