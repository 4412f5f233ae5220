import type { Millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { Clock, Cancel } from '#ports/clock.ts'
import type { Transport } from '#ports/transport.ts'
import type { PeerRequest, PeerResponse } from '#wire/peer-message.ts'
import { runtimeLimits } from './limits.ts'

/**
 * Questions to other nodes. Each ends exactly once: with the answer, or with null when there is no connection, it broke, no answer came in
 * time, or too much is open; null never says whether the question was acted on.
 *
 * What a node asked before it was restarted may still be answered to it afterwards. Ids therefore start anywhere in each life, so that such an
 * answer is not taken for that to a question of now.
 */
export class Requests {
  readonly #clock: Clock
  readonly #transport: Transport
  readonly #post: (task: () => void) => void
  readonly #open = new Map<number, { readonly to: string; readonly done: Answered; readonly cancel: Cancel }>()
  /** Since when each node that is connected is. */
  readonly #reachable = new Map<string, Millis>()
  #nextId: number
  #stopped = false

  constructor(ports: RequestPorts) {
    this.#clock = ports.clock
    this.#transport = ports.transport
    this.#post = ports.post
    this.#nextId = ports.prng.uint32() * idsPerLife
  }

  /** What it returns ends the question at once, if it is still open. */
  ask(to: string, request: PeerRequest, options: { readonly timeoutMs: number; readonly done: Answered }): GiveUp {
    if (this.#stopped) {
      options.done(null)
      return () => {}
    }
    if (!this.#reachable.has(to) || this.#open.size >= runtimeLimits.openRequestsMax) {
      this.#post(() => options.done(null))
      return () => {}
    }
    const id = this.#nextId++
    const cancel = this.#clock.after(options.timeoutMs, () => this.#post(() => this.#end(id, null)))
    this.#open.set(id, { to, done: options.done, cancel })
    this.#transport.send(to, 'bulk', { type: 'request', id, request })
    return () => this.#end(id, null)
  }

  answered(from: string, id: number, response: PeerResponse): void {
    if (this.#open.get(id)?.to === from) this.#end(id, response)
  }

  /** Names of the nodes that are connected. */
  get reachable(): Iterable<string> {
    return this.#reachable.keys()
  }

  reaches(name: string): boolean {
    return this.#reachable.has(name)
  }

  /** Since when the connection to this node has lasted; null when there is none. */
  connectedSince(name: string): Millis | null {
    return this.#reachable.get(name) ?? null
  }

  connected(to: string): void {
    this.#reachable.set(to, this.#clock.now())
  }

  /** The connection to this node broke: whatever it was asked may be lost. */
  broken(to: string): void {
    this.#reachable.delete(to)
    for (const [id, open] of this.#open) if (open.to === to) this.#end(id, null)
  }

  /** Also what is asked later is answered: at once, for there are no turns any more. */
  stop(): void {
    this.#stopped = true
    for (const id of this.#open.keys()) this.#end(id, null)
  }

  #end(id: number, response: PeerResponse | null): void {
    const open = this.#open.get(id)
    if (open === undefined) return
    this.#open.delete(id)
    open.cancel()
    open.done(response)
  }
}

interface RequestPorts {
  readonly clock: Clock
  readonly transport: Transport
  readonly prng: Prng
  readonly post: (task: () => void) => void
}

/** Leaves so many ids above the largest start, within the integers that are exact. */
const idsPerLife = 2 ** 20

export type GiveUp = () => void

type Answered = (response: PeerResponse | null) => void
