import type { ClusterState, Slot } from '#core/cluster/types.ts'
import { generationOf } from '#runtime/replica-name.ts'
import type { SimNode } from '#sim/cluster.ts'
import { Violation } from '#sim/checks/violation.ts'

/** Slots that begin anew, as soon as any node knows (decision C12): only when too few are left of those that had what the slot has. */
export class Rebirths {
  readonly #nodes: readonly SimNode[]
  readonly #begun: (group: number, life: Slot['life']) => void
  /** As every node was last seen to know it. */
  readonly #known = new Map<SimNode, ClusterState['table']>()
  readonly #lives = new Map<number, number>()

  constructor(nodes: readonly SimNode[], begun: (group: number, life: Slot['life']) => void) {
    this.#nodes = nodes
    this.#begun = begun
  }

  look(): void {
    for (const at of this.#nodes) {
      const table = at.node?.cluster?.table
      if (table === undefined || this.#known.get(at) === table) continue
      this.#known.set(at, table)
      for (const [group, slot] of table.slots.entries()) {
        const { life } = slot
        if (life.number <= (this.#lives.get(group) ?? 1)) continue
        this.#lives.set(group, life.number)
        this.#judge(group, slot)
        this.#begun(group, life)
      }
    }
  }

  /** By what the replicas themselves have, whatever the table says of them. */
  #judge(group: number, { life, initial }: Slot): void {
    const former = this.#nodes.flatMap(({ node }) => node?.host?.groups.get(group)?.raft ?? [])
    const first = Math.min(...initial.map(({ generation }) => generation))
    const living = former.filter(({ self }) => generationOf(self) < first)
    const [newest] = living.toSorted((left, right) => right.membershipIndex - left.membershipIndex)
    if (newest === undefined) return
    const { voters, outgoing } = newest.membership
    const isMajority = (set: readonly string[]): boolean => living.filter(({ self }) => set.includes(self)).length * 2 > set.length
    if (isMajority(voters) && (outgoing.length === 0 || isMajority(outgoing)))
      throw new Violation(`slot ${group} begins its life ${life.number} while ${voters.join(', ')} still have a majority (decision C12)`)
  }
}
