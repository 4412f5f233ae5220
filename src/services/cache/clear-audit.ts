import type { Caller } from '#core/access/types.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { audit } from '#services/common/audit.ts'

interface Clearing {
  open: number
  slots: number
  /** That of the first slot in which it failed. */
  outcome: string
}

/** Clears that are under way on one connection: a namespace is cleared slot by slot, and leaves one line for all slots that are asked of this node. */
export class ClearAudit {
  readonly #telemetry: Telemetry
  readonly #caller: Caller | null
  readonly #namespaces = new Map<string, Clearing>()
  #open = 0

  constructor(telemetry: Telemetry, caller: Caller | null) {
    this.#telemetry = telemetry
    this.#caller = caller
  }

  get open(): number {
    return this.#open
  }

  begin(namespace: string): void {
    this.#open++
    const clearing = this.#namespaces.get(namespace) ?? { open: 0, slots: 0, outcome: 'done' }
    clearing.open++
    clearing.slots++
    this.#namespaces.set(namespace, clearing)
  }

  end(namespace: string, outcome: string): void {
    this.#open--
    const clearing = this.#namespaces.get(namespace)
    if (clearing === undefined) return
    if (clearing.outcome === 'done') clearing.outcome = outcome
    clearing.open--
    if (clearing.open > 0) return
    this.#namespaces.delete(namespace)
    const { address = 'client', token = null } = this.#caller ?? {}
    const call = { requestId: 'client', remoteAddress: address, caller: token?.name ?? null }
    audit(this.#telemetry, call, { action: 'clear', about: { namespace, slots: clearing.slots }, outcome: clearing.outcome })
  }
}
