import type { ClusterState } from '#core/cluster/types.ts'
import { checkInvariants } from '#core/raft/invariants.ts'
import { logIndex } from '#core/raft/types.ts'
import type { Entry, LogIndex, Term } from '#core/raft/types.ts'
import type { Group } from '#runtime/group.ts'
import type { LockstepNode } from '#runtime/node.ts'
import type { SimNode } from '#sim/cluster.ts'
import { Violation } from './violation.ts'

/**
 * The invariants of Raft over the whole cluster, checked after every event on the node it happened on: one leader per term, committed entries
 * never differ or vanish, a new leader has all of them, nobody leads while another may trust its lease, equal states at equal indexes, and nobody
 * runs older constants than the cluster believes.
 */
export class Checks {
  readonly totals = { touches: 0, elections: 0, roleChanges: 0, committed: 0, stateComparisons: 0, leaseOverlapsExamined: 0, snapshots: 0 }
  readonly counters = new Map<string, number>()
  readonly #nodes = new Map<string, SimNode>()
  readonly #groups = new Map<number, GroupRecord>()
  /** By node. */
  readonly #seen = new Map<string, Map<Group, Seen>>()
  readonly #touched = new Set<string>()
  /** By incarnation: the newest constants that a state of the cluster says it has adopted, and the last state that was looked at. */
  readonly #adopted = new Map<string, number>()
  readonly #looked = new Map<string, ClusterState>()

  watch(nodes: readonly SimNode[]): void {
    for (const node of nodes) this.#nodes.set(node.name, node)
  }

  touched(name: string): void {
    this.#touched.add(name)
  }

  count(name: string): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + 1)
    if (name === 'lockstep_raft_snapshots_total') this.totals.snapshots++
  }

  nodeDown(name: string): void {
    this.#seen.delete(name)
  }

  nodeWiped(name: string): void {
    this.nodeDown(name)
  }

  /** Leader changes so far, over the slots and the meta group. */
  get leaderChanges(): number {
    return this.totals.elections
  }

  stateAt(at: { readonly group: number; readonly node: string }, index: LogIndex, state: Buffer): void {
    const record = this.#record(at.group)
    const known = record.states.get(index)
    if (known === undefined) record.states.set(index, { state, node: at.node })
    else {
      this.totals.stateComparisons++
      if (!known.state.equals(state))
        throw new Violation(`group ${at.group} at ${index}: ${at.node} and ${known.node} are in different states`)
    }
  }

  afterEvent(): void {
    for (const name of this.#touched) {
      const node = this.#nodes.get(name)?.node
      if (!node) continue
      let seen = this.#seen.get(name)
      if (seen === undefined) this.#seen.set(name, (seen = new Map<Group, Seen>()))
      for (const group of node.host?.groups.values() ?? []) this.#examine(name, group, seen)
      this.#checkConstants(node)
    }
    this.#touched.clear()
  }

  /** Decision R4: the next change of the constants rests on what everybody is said to run. */
  #checkConstants({ identity, cluster }: LockstepNode): void {
    if (identity === null || cluster === null) return
    const { name, incarnation, constants } = identity
    if (this.#looked.get(name) !== cluster) {
      this.#looked.set(name, cluster)
      for (const member of cluster.members) {
        this.#adopted.set(member.incarnation, Math.max(member.adopted, this.#adopted.get(member.incarnation) ?? 0))
      }
    }
    // A founder is said to run the first before it has formed, and votes for nobody until then.
    const runs = constants?.revision ?? Number.POSITIVE_INFINITY
    const adopted = this.#adopted.get(incarnation) ?? 0
    if (runs < adopted) throw new Violation(`${name} runs constants ${runs}, and has announced that it runs ${adopted}`)
  }

  #examine(name: string, group: Group, known: Map<Group, Seen>): void {
    const { raft } = group
    let seen = known.get(group)
    if (seen === undefined) {
      seen = { commit: raft.base, role: 'follower', term: 0 }
      known.set(group, seen)
    }
    this.totals.touches++
    if (this.totals.touches % 97 === 0) checkInvariants(raft)
    const { term, commit, role } = raft
    if (term < seen.term) throw new Violation(`${name}/${group.id}: the term went back from ${seen.term} to ${term}`)
    if (commit < seen.commit) throw new Violation(`${name}/${group.id}: the commit index went back from ${seen.commit} to ${commit}`)
    if (role === 'leader' && (seen.role !== 'leader' || seen.term !== term)) this.#elected(name, group)
    if (commit > seen.commit) this.#committed(name, group, seen.commit)
    seen.commit = commit
    seen.role = role
    seen.term = term
  }

  #elected(name: string, group: Group): void {
    const { raft, id } = group
    const record = this.#record(id)
    const other = record.leaders.get(raft.term)
    if (other !== undefined && other !== raft.self)
      throw new Violation(`group ${id}: ${raft.self} and ${other} both lead in term ${raft.term}`)
    record.leaders.set(raft.term, raft.self)
    this.totals.elections++
    this.#checkCompleteness(name, group, record)
    this.#checkLeases(name, group)
  }

  /**
   * Whatever was committed in an earlier term is in the new leader's log (paper 5.4.3). Of an entry that counts the term in which it was
   * committed: one that wins an older term late need not have what a newer leader has committed of a still older one.
   */
  #checkCompleteness(name: string, { raft, id }: Group, record: GroupRecord): void {
    for (let index = record.highest; index > Math.max(raft.base, record.highest - 200); index--) {
      const committed = record.entries.get(index)
      if (committed === undefined || committed.committedIn >= raft.term) continue
      if (raft.termAt(logIndex(index)) !== committed.term) {
        throw new Violation(`group ${id}: ${name} leads in term ${raft.term} without entry ${index} of term ${committed.term}`)
      }
    }
  }

  /** One that wins an older term late, by votes that were long on their way, finds nobody who follows it: it can neither commit nor answer. */
  #checkLeases(name: string, { raft, id }: Group): void {
    for (const other of this.#nodes.values()) {
      const rival = other.node?.host?.groups.get(id)?.raft
      if (rival === undefined || other.name === name || rival.role !== 'leader' || rival.term > raft.term) continue
      this.totals.leaseOverlapsExamined++
      if (rival.leaseUntil > other.machine.now()) {
        throw new Violation(`group ${id}: ${name} leads in term ${raft.term} while ${other.name} may trust its lease of term ${rival.term}`)
      }
    }
  }

  #committed(name: string, { raft, id }: Group, from: number): void {
    const record = this.#record(id)
    for (let index = Math.max(from, raft.base) + 1; index <= raft.commit; index++) {
      const entry = raft.entryAt(logIndex(index))
      if (entry === null) continue
      const known = record.entries.get(index)
      const print = fingerprint(entry)
      if (known === undefined) {
        record.entries.set(index, { term: entry.term, committedIn: raft.term, print, node: name })
        record.highest = Math.max(record.highest, index)
        this.totals.committed++
      } else if (known.term !== entry.term || known.print !== print) {
        throw new Violation(`group ${id}: ${name} and ${known.node} have committed different entries at ${index}`)
      }
    }
  }

  #record(group: number): GroupRecord {
    const known = this.#groups.get(group)
    if (known !== undefined) return known
    const record: GroupRecord = { leaders: new Map(), entries: new Map(), states: new Map(), highest: 0 }
    this.#groups.set(group, record)
    return record
  }
}

interface GroupRecord {
  readonly leaders: Map<Term, string>
  readonly entries: Map<number, { readonly term: Term; readonly committedIn: Term; readonly print: string; readonly node: string }>
  readonly states: Map<number, { readonly state: Buffer; readonly node: string }>
  highest: number
}

/** Of a replica, when it was last looked at. */
interface Seen {
  commit: number
  role: string
  term: number
}

function fingerprint({ time, payload }: Entry): string {
  const body = payload.type === 'command' ? Buffer.from(payload.bytes).toString('latin1') : JSON.stringify(payload)
  return `${time} ${payload.type} ${body}`
}
