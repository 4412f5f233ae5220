import type { Claim } from '#sim/cache/claims.ts'

/** What the loaders of one agent have brought. Calls that join a load are given what it brings, and it must have begun after them. */
export class Loads {
  readonly #brought = new Map<number, Claim>()
  readonly #nothing = new Map<string, Claim>()

  /** It brings what it has begun with. */
  brought(load: Claim, value: number): void {
    this.#brought.set(value, load)
  }

  broughtNothing(load: Claim): void {
    this.#nothing.set(load.key, load)
  }

  /** Whether the answer to that call is what a loader brought that began after it. */
  isBrought({ id, key }: Claim, value: number | null): boolean {
    const load = value === null ? this.#nothing.get(key) : this.#brought.get(value)
    return load !== undefined && load.key === key && load.id > id
  }
}
