import type { Member } from '#core/cluster/types.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { RegisterAnswer, RegisterCommand } from '#core/register/register.ts'
import type { GroupStatus } from '#wire/peer-message.ts'
import type { LockstepNode } from '#runtime/node.ts'
import { decodeRegisterAnswer, encodeRegisterCommand, encodeRegisterQuestion } from './register-machine.ts'

export type RegisterOutcome =
  | { readonly type: 'answered'; readonly answer: RegisterAnswer }
  /** Certainly not carried out. */
  | { readonly type: 'refused'; readonly code: string }
  /** May have been carried out, or may yet be. */
  | { readonly type: 'unknown' }

/** A replica on this node; ids of replicas are `node/incarnation/generation`. */
interface GroupSummary extends Pick<GroupStatus, 'replica' | 'role' | 'term' | 'leader' | 'commit' | 'applied'> {
  readonly group: number
  readonly voters: readonly string[]
  readonly learners: readonly string[]
  /** A change of the voters is under way. */
  readonly changing: boolean
}

export interface NodeStatus {
  readonly name: string
  readonly incarnation: string
  readonly clusterId: string | null
  readonly members: readonly Pick<Member, 'name' | 'incarnation' | 'address' | 'state'>[]
  readonly groups: readonly GroupSummary[]
  readonly failure: string | null
}

/** Named integers on any node: the smallest service there can be, to try the replication with and to measure it. */
export class RegisterService {
  readonly #node: LockstepNode

  constructor(node: LockstepNode) {
    this.#node = node
  }

  execute(command: RegisterCommand, timeoutMs: number): Promise<RegisterOutcome> {
    // How many slots there are is the cluster's matter, whatever this node was told: nodes that disagreed would split a register.
    const slots = this.#node.identity?.formation?.slots ?? null
    if (slots === null) return Promise.resolve({ type: 'refused', code: 'not-formed' })
    const group = slotOf(command.key, 0, slots)
    // Only who has a replica can ask it; elsewhere a read goes through the log.
    const asks = command.type === 'read' && this.#node.host?.groups.has(group) === true
    return asks ? this.#ask(group, command.key, timeoutMs) : this.#submit(group, command, timeoutMs)
  }

  /** Linearizable, and leaves nothing in the log. */
  #ask(group: number, key: string, timeoutMs: number): Promise<RegisterOutcome> {
    return new Promise((resolve) => {
      const done = (answer: Uint8Array | null): void =>
        resolve(answer === null ? { type: 'refused', code: 'not-leader' } : { type: 'answered', answer: decodeRegisterAnswer(answer) })
      this.#node.query(group, encodeRegisterQuestion(key), { timeoutMs, done })
    })
  }

  #submit(group: number, command: RegisterCommand, timeoutMs: number): Promise<RegisterOutcome> {
    return new Promise((resolve) => {
      this.#node.submit(group, encodeRegisterCommand(command), {
        timeoutMs,
        done: (outcome) => {
          if (outcome.type === 'applied') resolve({ type: 'answered', answer: decodeRegisterAnswer(outcome.answer) })
          else if (outcome.type === 'refused') resolve({ type: 'refused', code: outcome.code })
          else resolve({ type: 'unknown' })
        },
      })
    })
  }

  status(): NodeStatus {
    const { identity, cluster, host } = this.#node
    const members = cluster?.members ?? []
    const groups = [...(host?.groups.values() ?? [])].map((group) => {
      const { membership, replica, role, term, leader, commit, applied } = group.status()
      const { voters, learners, outgoing } = membership
      return { group: group.id, replica, role, term, leader, commit, applied, voters, learners, changing: outgoing.length > 0 }
    })
    return {
      name: identity?.name ?? '',
      incarnation: identity?.incarnation ?? '',
      clusterId: identity?.formation?.clusterId ?? null,
      members: members.map(({ name, incarnation, address, state }) => ({ name, incarnation, address, state })),
      groups: groups.sort((left, right) => left.group - right.group),
      failure: host?.failure?.detail ?? null,
    }
  }

  /** Why this node is not ready to serve; null when it is. */
  notReadyBecause(): string | null {
    const { failure, clusterId, groups } = this.status()
    if (failure !== null) return `the store has failed: ${failure}`
    if (clusterId === null) return 'this node does not belong to a cluster yet'
    const leaderless = groups.filter(({ leader }) => leader === null).map(({ group }) => group)
    return leaderless.length > 0 ? `no leader is known for group ${leaderless.join(', ')}` : null
  }
}
