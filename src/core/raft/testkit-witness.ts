import { assert, present } from '#base/assert.ts'
import { checkInvariants } from './invariants.ts'
import type { Raft } from './raft.ts'
import type { TestDisk } from './testkit-disk.ts'
import { logIndex } from './types.ts'
import type { Effects, Entry, Instant, LogIndex, Membership, ReplicaId, RoleName, Term } from './types.ts'

export interface TestNode {
  readonly id: ReplicaId
  readonly disk: TestDisk
  raft: Raft | null
  instant: Instant
  /** Applied so far: index and hash. */
  machine: { index: number; hash: number }
  commitSeen: number
  roleSeen: RoleName
  /** Its clock reads `offset + rate × time of the cluster`. */
  clock: { offset: number; rate: number; wallOffset: number }
  diskPaused: boolean
}

/**
 * Sees every step of every replica of a test and stops at the first that breaks a promise of the protocol:
 * election safety, log matching, leader completeness, state machine safety (paper figure 3), durability of what is committed,
 * exclusive leases, linearizable read indexes and machine time that never goes back.
 */
export class Witness {
  /** Index → the entry that was committed there, in whoever's life. */
  readonly committed = new Map<number, Entry>()
  /** Index → hash of the machine that has applied all entries up to there. */
  readonly hashes = new Map<number, number>([[0, 0]])
  readonly counts = {
    elections: 0,
    commits: 0,
    truncations: 0,
    installs: 0,
    membershipChanges: 0,
    reads: 0,
    leases: 0,
    transfers: 0,
    compactions: 0,
    restarts: 0,
    steps: 0,
  }
  lastCommitted = 0
  /** Whether it sees every replica; where the test speaks for some, it cannot judge what they hold. */
  readonly #seesAll: boolean
  readonly #leaders = new Map<Term, ReplicaId>()
  readonly #entries = new Map<string, { readonly entry: Entry; readonly previousTerm: Term | null }>()
  readonly #reads = new Map<number, number>()

  constructor(seesAll: boolean) {
    this.#seesAll = seesAll
  }

  read(ids: readonly number[]): void {
    for (const id of ids) this.#reads.set(id, this.lastCommitted)
  }

  observe(seen: { nodes: ReadonlyMap<string, TestNode>; now: number; node: TestNode; raft: Raft; effects: Effects }): void {
    const { nodes, now, node, raft, effects } = seen
    this.counts.steps++
    checkInvariants(raft)
    if (effects.role?.role === 'leader') this.#elected(raft)
    this.#appended(raft, effects)
    this.#advanced(nodes, node, raft)
    this.#applied(effects)
    for (const { id, index } of effects.readStates) if (index !== null) this.#answered(id, index)
    this.#leases(nodes, now)
    node.roleSeen = raft.role
  }

  #elected(raft: Raft): void {
    const other = this.#leaders.get(raft.term)
    if (other === raft.self) return
    assert(other === undefined, 'a term has at most one leader (election safety)')
    this.#leaders.set(raft.term, raft.self)
    this.counts.elections++
    for (let index = raft.base + 1; index <= this.lastCommitted; index++) {
      const entry = raft.entryAt(logIndex(index))
      assert(entry?.term === this.committed.get(index)?.term, 'a leader holds every committed entry (leader completeness)')
    }
  }

  #appended(raft: Raft, { persist }: Effects): void {
    if (persist === null) return
    if (persist.truncateFrom !== null) this.counts.truncations++
    if (persist.install !== null) this.counts.installs++
    for (const entry of persist.entries) {
      const previousTerm = raft.inspect().log.termAt(logIndex(entry.index - 1))
      const previous = raft.entryAt(logIndex(entry.index - 1))
      assert(previous === null || entry.time >= previous.time, 'machine time never goes back along a log')
      const key = `${entry.term}/${entry.index}`
      const known = this.#entries.get(key)
      if (known === undefined) this.#entries.set(key, { entry, previousTerm })
      assert(known === undefined || entryKey(known.entry) === entryKey(entry), 'index and term name one entry (log matching)')
      assert(known === undefined || known.previousTerm === previousTerm, 'logs that agree at an entry agree before it (log matching)')
    }
  }

  #advanced(nodes: ReadonlyMap<string, TestNode>, node: TestNode, raft: Raft): void {
    assert(raft.commit >= node.commitSeen, 'the commit index never goes back')
    for (let index = Math.max(node.commitSeen, raft.base) + 1; index <= raft.commit; index++) {
      const entry = present(raft.entryAt(logIndex(index)), 'what is committed is in the log')
      const known = this.committed.get(index)
      assert(known === undefined || known.term === entry.term, 'a committed entry is never replaced (state machine safety)')
      if (known === undefined) {
        this.committed.set(index, entry)
        this.counts.commits++
        if (entry.payload.type === 'membership') this.counts.membershipChanges++
        this.lastCommitted = Math.max(this.lastCommitted, index)
        if (!this.#seesAll) continue
        assert(raft.role === 'leader' || node.roleSeen === 'leader', 'a leader is the first to know that something is committed')
        const durable = (replica: ReplicaId): boolean => isDurable(nodes.get(replica), entry)
        assert(agreed(raft.membership, durable), 'what is committed is durable on a majority')
      }
    }
    node.commitSeen = raft.commit
  }

  #applied(effects: Effects): void {
    for (const entry of effects.apply) {
      const before = this.hashes.get(entry.index - 1)
      assert(before !== undefined || !this.#seesAll, 'entries are applied in order')
      const hash = mix(before ?? 0, entry)
      const known = this.hashes.get(entry.index)
      assert(known === undefined || known === hash, 'machines that applied as much are equal (state machine safety)')
      this.hashes.set(entry.index, hash)
    }
  }

  #answered(id: number, index: LogIndex): void {
    this.counts.reads++
    assert(index >= present(this.#reads.get(id), 'somebody asked'), 'a read sees what was committed before it was asked for')
  }

  /** Clocks of a test may differ in their rate by less than the drift margin. */
  #leases(nodes: ReadonlyMap<string, TestNode>, now: number): void {
    for (const { raft, clock } of nodes.values()) {
      if (raft === null || raft.leaseUntil <= clock.offset + clock.rate * now) continue
      this.counts.leases++
      for (const { raft: other } of nodes.values()) {
        assert(other === null || other.role !== 'leader' || other.term <= raft.term, 'nobody leads while an older lease runs')
      }
    }
  }
}

function isDurable(node: TestNode | undefined, entry: Entry): boolean {
  if (node === undefined) return false
  const { disk } = node
  return (disk.snapshot?.index ?? 0) >= entry.index || disk.termAt(entry.index) === entry.term
}

function agreed({ voters, outgoing }: Membership, holds: (replica: ReplicaId) => boolean): boolean {
  return [voters, outgoing].every((half) => half.length === 0 || half.filter((voter) => holds(voter)).length * 2 > half.length)
}

function entryKey({ index, term, time, wall, payload }: Entry): string {
  return JSON.stringify([index, term, time, wall, payload.type === 'command' ? [...payload.bytes] : payload])
}

/** The machine of the tests: a hash of everything it has applied. */
export function mix(hash: number, entry: Entry): number {
  let mixed = hash
  for (const character of entryKey(entry)) mixed = (Math.imul(mixed ^ (character.codePointAt(0) ?? 0), 0x01000193) + 1) >>> 0
  return mixed
}
