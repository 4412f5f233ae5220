import type { Millis } from '#base/brand.ts'
import type { RoleChange } from '#core/raft/types.ts'

/** For how long this node knew no leader of a group: from when it missed the last one until it heard of the next. */
export class ElectionTimer {
  readonly #since = new Map<number, Millis>()

  /** The length of an election that is over by this change, in milliseconds; null when none is. */
  changed(group: number, { leader }: RoleChange, now: Millis): number | null {
    const since = this.#since.get(group)
    if (leader === null) {
      if (since === undefined) this.#since.set(group, now)
      return null
    }
    this.#since.delete(group)
    return since === undefined ? null : now - since
  }
}
