/**
 * Which connections lead to which node, and over which of them to send.
 *
 * Order is promised while a connection lasts, so sending stays with the one that came first until it ends; another one that lives then
 * takes its place. To those above, the peer goes down and comes up again at that moment, for what was under way may be lost.
 */
export class Links<C> {
  readonly #byName = new Map<string, C[]>()

  /** The one to send over. */
  current(name: string): C | undefined {
    return this.#byName.get(name)?.[0]
  }

  all(name: string): readonly C[] {
    return this.#byName.get(name) ?? []
  }

  /** True when the peer is up with it. */
  add(name: string, connection: C): boolean {
    const connections = this.#byName.get(name)
    if (connections === undefined) this.#byName.set(name, [connection])
    else connections.push(connection)
    return connections === undefined
  }

  /** Whether that was the one to send over, and which one is now. */
  remove(name: string, connection: C): { readonly wasCurrent: boolean; readonly next: C | undefined } {
    const connections = this.#byName.get(name) ?? []
    const wasCurrent = connections[0] === connection
    const left = connections.filter((other) => other !== connection)
    if (left.length === 0) this.#byName.delete(name)
    else this.#byName.set(name, left)
    return { wasCurrent, next: left[0] }
  }
}
