import type { MemberRecord } from '#ports/redis-slots.ts'
import type { GroupRole, GroupStanding, MemberStanding, NodeStanding } from '#runtime/node-standing.ts'
import { nodeOfMember } from './engine-host.ts'
import type { HostedSlot } from './hosted-slot.ts'
import type { RedisHost } from './redis-host.ts'

/** A node whose groups are slots in Redis: it hosts those that it owns, and knows the owners of all. */
export class RedisStanding implements NodeStanding {
  readonly engine = 'redis'
  readonly #host: RedisHost

  constructor(host: RedisHost) {
    this.#host = host
  }

  get clusterId(): string | null {
    return this.#host.cluster?.id ?? null
  }

  get notReadyBecause(): string | null {
    const { problem, cluster, slots } = this.#host
    if (problem !== null) return problem
    if (cluster === null) return 'this node does not know its cluster yet'
    const ownerless = [...slots.values()].filter((slot) => !this.#hasOwner(slot) && this.#failureOf(slot) === null)
    return ownerless.length > 0 ? `no owner is known for slot ${ownerless.map(({ slot }) => slot).join(', ')}` : null
  }

  get warnings(): readonly string[] {
    const { faults, slots, redis } = this.#host
    const failures = [...slots.values()].flatMap((slot) => {
      const failure = this.#failureOf(slot)
      return failure === null ? [] : [`slot ${slot.slot} has failed and is not served: ${failure}`]
    })
    const unreadable = redis.unreadable.map((id) => `the record of member ${id} in Redis cannot be read, and is left out`)
    return [...faults, ...unreadable, ...failures].slice(0, warningsMax)
  }

  /** Of those that bear one name, the one that lives: it was started again. */
  get members(): readonly MemberStanding[] {
    const live = new Set(this.#host.liveMembers.map(({ id }) => id))
    const byName = new Map<string, MemberStanding>()
    for (const { id, address } of bestLast(this.#host.members, live)) {
      const node = nodeOfMember(id)
      byName.set(node.name, { ...node, address, state: live.has(id) ? 'active' : 'dead' })
    }
    return [...byName.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
  }

  get places(): readonly MemberStanding[] {
    return this.members
  }

  /** Every change of an owner raises the epoch of its slot. */
  get tableVersion(): number {
    return this.#host.table.reduce((sum, { epoch }) => sum + epoch, 0)
  }

  holdersOf(group: number): readonly string[] {
    const owner = this.#host.slots.get(group)?.owner ?? null
    return owner === null ? [] : [nodeOfMember(owner).name]
  }

  roleIn(group: number): GroupRole {
    const slot = this.#host.slots.get(group)
    const term = slot?.epoch ?? this.#host.table[group - 1]?.epoch ?? 0
    if (slot?.phase === 'failed') return { role: 'halted', term }
    return { role: slot === undefined || slot.applier === null ? 'none' : roleOf(slot), term }
  }

  groups(): readonly GroupStanding[] {
    return [...this.#host.slots.values()].flatMap((slot) => {
      const [node] = this.holdersOf(slot.slot)
      if (slot.applier === null || node === undefined) return []
      const { index } = slot.applier.last
      const { term } = this.roleIn(slot.slot)
      const replicas = [{ node, voter: true, lag: 0 }]
      return [
        { group: slot.slot, role: roleOf(slot), term, leader: node, commit: index, applied: index, changing: slot.isLeaving, replicas },
      ]
    })
  }

  #failureOf({ slot, phase }: HostedSlot): string | null {
    const failed = this.#host.table[slot - 1]?.failed ?? null
    return phase === 'failed' ? (failed ?? 'entries are missing') : failed
  }

  #hasOwner(slot: HostedSlot): boolean {
    return slot.owner === this.#host.self ? slot.isServing : slot.owner !== null
  }
}

/** What is owned and cannot be served now takes no part. */
const roleOf = ({ isServing }: HostedSlot): 'leader' | 'halted' => (isServing ? 'leader' : 'halted')

/** The later one counts where names are equal. */
export const bestLast = (members: readonly MemberRecord[], live: ReadonlySet<string>): readonly MemberRecord[] =>
  members.toSorted((left, right) => Number(live.has(left.id)) - Number(live.has(right.id)))

const warningsMax = 64
