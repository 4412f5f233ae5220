import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { LogIndex } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import { Deadlines } from './deadlines.ts'
import type { Group } from './group.ts'
import type { ReplicaHost } from './host.ts'
import { runtimeLimits } from './limits.ts'
import type { Routes } from './routes.ts'

/**
 * Questions to this node's own replicas, answered linearizably (dissertation 6.4): the leader names an index, and the machine is asked once it
 * has applied everything up to there. Each ends exactly once: with an answer, or with null when its time is over, the replica is gone or silent,
 * or the node stops.
 */
export class Reads {
  readonly #host: ReplicaHost
  readonly #clock: Clock
  readonly #prng: Prng
  readonly #routes: Routes
  readonly #open: Deadlines<Read>
  #stopped = false

  constructor(host: ReplicaHost, ports: { readonly clock: Clock; readonly prng: Prng }, routes: Routes) {
    this.#host = host
    this.#clock = ports.clock
    this.#prng = ports.prng
    this.#routes = routes
    this.#open = new Deadlines({ clock: ports.clock, post: (task) => host.post(task) }, ({ done }) => done(null))
  }

  query(group: number, question: Uint8Array, options: QueryOptions): void {
    const replica = this.#host.groups.get(group)
    if (this.#stopped || replica === undefined || this.#open.size >= runtimeLimits.openReadsMax) {
      options.done(null)
      return
    }
    const read: Read = { replica, question, deadline: millis(this.#clock.now() + options.timeoutMs), done: options.done }
    this.#open.add(read)
    this.#attempt(read)
  }

  /** An index that everything is at or before that was answered until now; also where there is no replica. */
  index(group: number, { timeoutMs, done }: ReadIndexOptions): void {
    const deadline = this.#clock.now() + timeoutMs
    const attempt = (): void => {
      if (this.#stopped || this.#clock.now() >= deadline) done(null)
      else this.#routes.readIndex(group, (index) => (index === null ? this.#later(attempt) : done(index)))
    }
    attempt()
  }

  stop(): void {
    this.#stopped = true
    for (const { done } of this.#open.drain()) done(null)
  }

  #attempt(read: Read): void {
    this.#routes.readIndex(read.replica.id, (index) => {
      if (!this.#open.has(read)) return
      if (index === null) this.#later(() => this.#attempt(read))
      else read.replica.applier.whenApplied(index, (applied) => this.#end(read, applied))
    })
  }

  #end(read: Read, applied: boolean): void {
    if (!this.#open.delete(read)) return
    read.done(applied ? read.replica.applier.machine.machine.query(read.question) : null)
  }

  #later(call: () => void): void {
    this.#clock.after(this.#prng.between(10, 50), () => this.#host.post(call))
  }
}

export interface QueryOptions {
  readonly timeoutMs: number
  readonly done: (answer: Uint8Array | null) => void
}

export interface ReadIndexOptions {
  readonly timeoutMs: number
  readonly done: (index: LogIndex | null) => void
}

interface Read {
  readonly replica: Group
  readonly question: Uint8Array
  readonly deadline: Millis
  readonly done: (answer: Uint8Array | null) => void
}
