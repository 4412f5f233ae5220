import { millis } from '#base/brand.ts'
import type { Millis } from '#base/brand.ts'
import type { ReplicaId } from '#core/raft/types.ts'

/** Whom the leader of a group hands it to, and because of which table. */
export interface HandOver {
  readonly group: number
  readonly heir: ReplicaId
  readonly tableVersion: number
}

/**
 * How often a leader hands over to the same heir. A group takes no commands meanwhile, and an heir that may not lead, because its wall clock is
 * wrong for example, leaves it at that or gives it back at once; so the leader is more patient each time, until the heir has led for a while or
 * the table has changed. And whoever was elected meanwhile, because the heir was not heard, leads for a while before it hands over: where nodes
 * have too much to do each change of leaders leads to the next one.
 */
export class HandOvers {
  readonly #last = new Map<number, Last>()
  readonly #leads = new Map<number, Lead>()

  isDue(handOver: HandOver, now: Millis): boolean {
    const last = this.#lastOf(handOver)
    const lead = this.#leads.get(handOver.group)
    const isSettled = lead === undefined || now - lead.since >= soundMs || lead.tableVersion !== handOver.tableVersion
    return isSettled && (last === null || now >= last.until)
  }

  begun(handOver: HandOver, now: Millis): void {
    const last = this.#lastOf(handOver)
    const patienceMs = last === null ? patienceMinMs : Math.min(patienceMaxMs, 2 * last.patienceMs)
    this.#last.set(handOver.group, { ...handOver, patienceMs, until: now + patienceMs, ledSince: null })
  }

  /** Told now and then who leads a group, and by which table it should be led; null while nobody is known to. */
  leads(group: number, leader: ReplicaId | null, { tableVersion, now }: { readonly tableVersion: number; readonly now: Millis }): void {
    const lead = this.#leads.get(group)
    if (lead === undefined ? leader !== null : leader !== lead.leader) {
      this.#leads.set(group, { leader, tableVersion, since: lead === undefined ? millis(-Infinity) : now })
    }
    const last = this.#last.get(group)
    if (last === undefined) return
    const ledSince = leader === last.heir ? (last.ledSince ?? now) : null
    if (ledSince !== null && now - ledSince >= soundMs) this.#last.delete(group)
    else this.#last.set(group, { ...last, ledSince })
  }

  #lastOf({ group, heir, tableVersion }: HandOver): Last | null {
    const last = this.#last.get(group)
    return last?.heir === heir && last.tableVersion === tableVersion ? last : null
  }
}

/** Since this node has seen it: the first one that it sees need not wait. */
interface Lead {
  readonly leader: ReplicaId | null
  readonly since: Millis
  readonly tableVersion: number
}

interface Last extends HandOver {
  readonly patienceMs: number
  readonly until: number
  /** From when on the heir was seen leading. */
  readonly ledSince: Millis | null
}

/** An heir that has led for so long may lead; and others who have may hand over. */
const soundMs = 10_000

const patienceMinMs = 5_000
const patienceMaxMs = 120_000
