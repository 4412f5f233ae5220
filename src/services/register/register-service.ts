import { slotOf } from '#core/ring/partition.ts'
import type { RegisterAnswer, RegisterCommand } from '#core/register/register.ts'
import type { GroupStatus } from '#wire/peer-message.ts'
import type { LockstepNode } from '#runtime/node.ts'
import { decodeRegisterAnswer, encodeRegisterCommand } from './register-machine.ts'

export type RegisterOutcome =
  | { readonly type: 'answered'; readonly answer: RegisterAnswer }
  /** Certainly not carried out. */
  | { readonly type: 'refused'; readonly code: string }
  /** May have been carried out, or may yet be. */
  | { readonly type: 'unknown' }

export interface NodeStatus {
  readonly name: string
  readonly clusterId: string | null
  readonly members: readonly { readonly name: string; readonly address: string; readonly state: string }[]
  readonly groups: readonly (Pick<GroupStatus, 'role' | 'term' | 'leader' | 'commit' | 'applied'> & { readonly group: number })[]
  readonly failure: string | null
}

/** Named integers on any node: the smallest service there can be, to try the replication with and to measure it. */
export class RegisterService {
  readonly #node: LockstepNode
  readonly #slots: number

  constructor(node: LockstepNode, slots: number) {
    this.#node = node
    this.#slots = slots
  }

  execute(command: RegisterCommand, timeoutMs: number): Promise<RegisterOutcome> {
    return new Promise((resolve) => {
      this.#node.submit(this.#groupOf(command.key), encodeRegisterCommand(command), {
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
      const { role, term, leader, commit, applied } = group.status()
      return { group: group.id, role, term, leader, commit, applied }
    })
    return {
      name: identity?.name ?? '',
      clusterId: identity?.formation?.clusterId ?? null,
      members: members.map(({ name, address, state }) => ({ name, address, state })),
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

  #groupOf(key: string): number {
    return slotOf(key, 0, this.#slots)
  }
}
