import type { RoleChange } from '#core/raft/types.ts'
import type { Telemetry } from '#ports/telemetry.ts'

/** Says what a node's part in its groups is. Who follows whom concerns nobody else; that this node leads a group, or does no more, is news. */
export class RoleLog {
  readonly #telemetry: Telemetry
  readonly #led = new Set<number>()

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  changed(group: number, { role, term, leader }: RoleChange): void {
    const isNews = role === 'leader' || this.#led.has(group)
    if (role === 'leader') this.#led.add(group)
    else this.#led.delete(group)
    this.#telemetry.log(isNews ? 'info' : 'debug', 'role-changed', { group, role, term, leader })
  }
}
