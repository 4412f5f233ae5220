import { change, readKey, write } from '#sim/cache/changes.ts'
import type { ClientPorts } from '#sim/cache/client-ports.ts'
import type { SimNode } from '#sim/cluster.ts'

/** Where the thread of a litmus test runs. */
export interface Seat {
  sleep(ms: number): Promise<void>
  /** Null when nobody knows. */
  read(key: string): Promise<Found | null>
  /** True when it is confirmed. */
  write(key: string, value: number): Promise<boolean>
  /** Carries a whole thread out; null too when the process dies meanwhile. */
  carryOut<T>(thread: () => Promise<T | null>): Promise<T | null>
}

export interface Found {
  readonly value: number | null
}

/** A client of its own that asks one node. */
export class NodeSeat implements Seat {
  readonly #ports: ClientPorts
  readonly #at: SimNode

  constructor(ports: ClientPorts, at: SimNode) {
    this.#ports = ports
    this.#at = at
  }

  sleep(ms: number): Promise<void> {
    return this.#ports.actor.sleep(ms)
  }

  read(key: string): Promise<Found | null> {
    return readKey(this.#ports, key, this.#at)
  }

  async write(key: string, value: number): Promise<boolean> {
    return (await change(this.#ports, write(key, value), { at: this.#at })) !== null
  }

  carryOut<T>(thread: () => Promise<T | null>): Promise<T | null> {
    return thread()
  }
}
