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
 * the table has changed.
 */
export class HandOvers {
  readonly #last = new Map<number, Last>()

  isDue(handOver: HandOver, now: Millis): boolean {
    const last = this.#lastOf(handOver)
    return last === null || now >= last.until
  }

  begun(handOver: HandOver, now: Millis): void {
    const last = this.#lastOf(handOver)
    const patienceMs = last === null ? patienceMinMs : Math.min(patienceMaxMs, 2 * last.patienceMs)
    this.#last.set(handOver.group, { ...handOver, patienceMs, until: now + patienceMs, ledSince: null })
  }

  /** Told now and then who leads a group; null while nobody is known to. */
  leads(group: number, leader: ReplicaId | null, now: Millis): void {
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

interface Last extends HandOver {
  readonly patienceMs: number
  readonly until: number
  /** From when on the heir was seen leading. */
  readonly ledSince: Millis | null
}

/** An heir that has led for so long may lead. */
const soundMs = 10_000

const patienceMinMs = 5_000
const patienceMaxMs = 120_000
