import type { Result } from '#base/result.ts'
import { err } from '#base/result.ts'
import type { Prng } from '#base/prng.ts'
import type { Call, CallEnd } from '#api/call.ts'
import { unavailable, unknownOutcome } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import type { SimNode } from '#sim/cluster.ts'
import type { World } from '#sim/workload.ts'

/** What came back. A client that heard nothing in time takes the outcome for unknown. */
export type Told<T> = Result<T, Fault>

export interface CallOptions {
  readonly patienceMs: number
  /** Closes the connection after so long. */
  readonly hangUpAfterMs?: number
  /** Where it is asked; anywhere when left out. */
  readonly at?: SimNode
}

/** For an answer that the node could not write, as its client was gone by then. */
type Unsent<Api, T> = (api: Api, told: Told<T>) => void

type Use<Api, T> = (api: Api, call: Call) => Promise<Told<T>>

/**
 * The way from clients to the API of a node and back, without HTTP: it takes time, the node may be dead, paused or stopping, and either side may be
 * gone before the answer.
 */
export class ServiceCalls<Api> {
  readonly totals = { called: 0, answered: 0, refused: 0, unknown: 0 }
  readonly #world: World
  readonly #prng: Prng
  readonly #servers = new Map<string, Serving<Api>>()
  #open = 0

  constructor(world: World) {
    this.#world = world
    this.#prng = world.prng.fork()
  }

  get open(): number {
    return this.#open
  }

  /** A node serves from now on, in this life. */
  serve(name: string, api: Api): void {
    this.#servers.set(name, { api, connections: new Set() })
  }

  /** The node answers whoever waits there, for it will stop. */
  drain(name: string): void {
    for (const connection of this.#servers.get(name)?.connections ?? []) connection.abort('stopping')
  }

  /** The node is dead. Most clients notice at once, the others when their patience is over. */
  crashed(name: string): void {
    const serving = this.#servers.get(name)
    this.#servers.delete(name)
    for (const connection of serving?.connections ?? []) if (this.#prng.chance(0.7)) connection.broken()
  }

  /** Some node that is up, as far as clients know. */
  anyNode(): SimNode {
    const { nodes } = this.#world.cluster
    const up = nodes.filter(({ node }) => node?.cluster)
    return this.#prng.pick(up.length > 0 ? up : nodes)
  }

  call<T>(
    use: Use<Api, T>,
    { patienceMs, hangUpAfterMs, at = this.anyNode() }: CallOptions,
    unsent: Unsent<Api, T> = () => {},
  ): Promise<Told<T>> {
    const { scheduler } = this.#world
    const { machine } = at
    const { life } = machine
    this.totals.called++
    this.#open++
    return new Promise((resolve, reject) => {
      const controller = new AbortController()
      let ended = false
      const end = (told: Told<T>): void => {
        if (ended) return
        ended = true
        this.#open--
        cancel()
        this.#count(told)
        resolve(told)
      }
      const abort = (reason: CallEnd): void => machine.run(life, () => controller.abort(reason))
      const leave = (): void => {
        end(err(unknownOutcome()))
        scheduler.after(this.#delayMs(), () => abort('client-gone'))
      }
      const cancel = scheduler.after(Math.min(patienceMs, hangUpAfterMs ?? Infinity), leave)
      scheduler.after(this.#delayMs(), () => {
        const serving = this.#servers.get(at.name)
        if (serving === undefined || machine.life !== life) {
          end(err(unavailable('the connection is refused')))
          return
        }
        const connection = { abort, broken: () => scheduler.after(this.#delayMs(), () => end(err(unknownOutcome()))) }
        serving.connections.add(connection)
        machine.run(life, () => {
          const answered = use(serving.api, { requestId: 'request', remoteAddress: 'client', caller: null, signal: controller.signal })
          // What a method throws is a bug.
          answered.then((told) => {
            serving.connections.delete(connection)
            if (controller.signal.reason === 'client-gone') machine.run(life, () => unsent(serving.api, told))
            scheduler.after(this.#delayMs(), () => end(told))
          }, reject)
        })
      })
    })
  }

  #count(told: Told<unknown>): void {
    if (told.ok) this.totals.answered++
    else if (told.error.code === 'unknown') this.totals.unknown++
    else this.totals.refused++
  }

  /** Mostly short, now and then an answer that comes when nobody counts on it any more. */
  #delayMs(): number {
    const unit = -Math.log(1 - this.#prng.float())
    return 0.05 + unit * (this.#prng.chance(0.005) ? 1_500 : 0.5)
  }
}

interface Serving<Api> {
  readonly api: Api
  readonly connections: Set<{ abort(reason: CallEnd): void; broken(): void }>
}
