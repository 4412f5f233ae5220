import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { assert, present } from '#base/assert.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { Prng } from '#base/prng.ts'
import { spread } from '#bench/kit/stats.ts'
import { emptyLog } from '#core/raft/log.ts'
import { Raft } from '#core/raft/raft.ts'
import { logIndex, replicaId, term } from '#core/raft/types.ts'
import type { Effects, Entry, Input, Message, ReplicaId } from '#core/raft/types.ts'

/**
 * One group of three Raft cores in one thread, without disk, network or codec: what the algorithm itself costs. Like a driver, each turn
 * drains the inbox of every replica, ends its writes together, and delivers what that sends. An entry counts when the leader applies it;
 * the work of all three replicas is in the figure.
 */
interface Line {
  readonly name: string
  /** Commands in one proposal, and proposals made in one turn without waiting for earlier ones. */
  readonly commands: number
  readonly proposals: number
}

const lines: readonly Line[] = [
  { name: 'proposals of 1', commands: 1, proposals: 256 },
  { name: 'proposals of 64', commands: 64, proposals: 16 },
]
const rounds = 3
const warmUpEntries = 100_000
const entriesPerRound = 1_000_000
const commandBytes = 100
const entriesKept = 20_000
const timing = { heartbeatMs: 100, electionMinMs: 500, electionMaxMs: 1000, leaseMs: 450 }

interface Replica {
  readonly raft: Raft
  inbox: Message[]
  /** Sent when the writes of this turn end. */
  held: Message[]
  lastWrite: number
  ended: number
  applied: Entry | null
}

class Group {
  readonly #replicas = new Map<ReplicaId, Replica>()
  readonly #leader: Replica
  #now = 1000
  applied = 0

  constructor() {
    const voters = ['a', 'b', 'c'].map(replicaId)
    const at = { now: millis(this.#now), wall: wallMillis(0) }
    const prng = new Prng(1)
    for (const self of voters) {
      const log = emptyLog({ voters, outgoing: [], learners: [] })
      const hardState = { term: term(0), vote: null }
      const raft = new Raft({ self, timing, prng: prng.fork(), at, hardState, log, partial: null })
      this.#replicas.set(self, { raft, inbox: [], held: [], lastWrite: 0, ended: 0, applied: null })
    }
    this.#leader = present(this.#replicas.get(replicaId('a')), 'a is there')
    this.#now = this.#leader.raft.deadline
    this.#step(this.#leader, { type: 'tick' })
    while (!this.#leader.raft.termStarted) this.turn()
  }

  propose(commands: readonly Uint8Array[]): void {
    const { proposed } = this.#step(this.#leader, { type: 'propose', term: this.#leader.raft.term, commands })
    assert(proposed?.type === 'accepted', 'the leader keeps up')
  }

  turn(): void {
    this.#now += 0.2
    for (const replica of this.#replicas.values()) {
      const { inbox } = replica
      replica.inbox = []
      for (const message of inbox) this.#step(replica, { type: 'message', message })
      if (replica.raft.deadline <= this.#now) this.#step(replica, { type: 'tick' })
    }
    for (const replica of this.#replicas.values()) {
      const { held } = replica
      replica.held = []
      for (const message of held) this.#replicas.get(message.to)?.inbox.push(message)
      if (replica.lastWrite === replica.ended) continue
      replica.ended = replica.lastWrite
      this.#step(replica, { type: 'persisted', id: replica.ended })
      if (replica.raft.commit - replica.raft.base > 2 * entriesKept) this.#compact(replica)
    }
  }

  #step(replica: Replica, input: Input): Effects {
    const effects = replica.raft.step(input, { now: millis(this.#now), wall: wallMillis(0) })
    for (const message of effects.send) this.#replicas.get(message.to)?.inbox.push(message)
    for (const message of effects.sendAfterPersist) replica.held.push(message)
    if (effects.persist !== null) replica.lastWrite = effects.persist.id
    replica.applied = effects.apply.at(-1) ?? replica.applied
    if (replica === this.#leader) this.applied += effects.apply.length
    return effects
  }

  #compact(replica: Replica): void {
    const last = present(replica.applied, 'something is applied')
    const { membership, index: membershipIndex } = replica.raft.membershipAt(last.index)
    const snapshot = { index: last.index, term: last.term, time: last.time, membership, membershipIndex, bytes: 0 }
    this.#step(replica, { type: 'compact', snapshot, dropUpTo: logIndex(last.index - entriesKept) })
  }
}

function measure({ commands, proposals }: Line, entries: number): number {
  const group = new Group()
  const batch = Array.from({ length: commands }, () => new Uint8Array(commandBytes))
  const end = group.applied + entries
  const begun = performance.now()
  while (group.applied < end) {
    for (let count = 0; count < proposals; count++) group.propose(batch)
    group.turn()
  }
  return (entries * 1000) / (performance.now() - begun)
}

const { values } = parseArgs({ options: { json: { type: 'string' } } })
const results = lines.map((line) => ({ line, perSecond: [] as number[] }))
for (const { line } of results) measure(line, warmUpEntries)
for (let round = 0; round < rounds; round++) for (const { line, perSecond } of results) perSecond.push(measure(line, entriesPerRound))

console.log(`entries/s through one group of three cores: median (minimum–maximum) of ${rounds} rounds, commands of ${commandBytes} bytes`)
const reports = results.map(({ line, perSecond }) => {
  const { min, median, max } = spread(perSecond)
  const [low, middle, high] = [min, median, max].map((value) => Math.round(value).toLocaleString('en'))
  console.log(`${line.name.padEnd(18)} ${middle} (${low}–${high})`)
  return { ...line, perSecond: { min, median, max } }
})
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ bench: 'raft-core', results: reports }, null, 2)}\n`)
