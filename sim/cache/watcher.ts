import type { Watched } from '#api/cache/cache-api.ts'
import type { SimNode } from '#sim/cluster.ts'
import type { Told } from './claims.ts'
import type { ClientPorts } from './client-ports.ts'

/** What somebody watches, where, and was told of last. */
export interface Watch {
  readonly key: string
  readonly at: SimNode
  readonly life: number
  last: Told | null
}

/** Watches a key after the other, each by way of some node until that dies, or it has had enough. */
export class Watcher {
  readonly #ports: ClientPorts
  #watch: Watch | null = null

  constructor(ports: ClientPorts) {
    this.#ports = ports
  }

  /** Null while it watches nothing, or its node is dead. */
  get watch(): Watch | null {
    return this.#watch !== null && isAlive(this.#watch) ? this.#watch : null
  }

  async run(): Promise<void> {
    const { actor, isOver, did } = this.#ports
    while (!isOver()) {
      const stop = await this.#begin()
      const until = actor.now + actor.prng.between(2_000, 20_000)
      while (!isOver() && actor.now < until && this.watch !== null) await actor.sleep(500)
      // What it watches then it watches until the end.
      if (isOver()) return
      const { watch } = this
      this.#watch = null
      if (watch === null || stop === null) continue
      did('stop-watching')
      watch.at.machine.run(watch.life, stop)
      await actor.think(1_000)
    }
  }

  /** What ends it. */
  async #begin(): Promise<(() => void) | null> {
    const { actor, keys, did, nodes } = this.#ports
    did('watch')
    const key = actor.prng.pick(keys)
    const at = actor.prng.pick(nodes())
    const watch: Watch = { key, at, life: at.machine.life, last: null }
    const hears = hearing(watch, this.#ports)
    const { told } = await actor.call(`watch ${key}`, async ({ cache }) => ({ ok: true, value: cache.watch(key, hears) }), { at })
    if (!told.ok) {
      // It may watch all the same, for nobody.
      await actor.think(500)
      return null
    }
    this.#watch = watch
    return told.value
  }
}

const isAlive = ({ at, life }: Watch): boolean => at.node !== null && at.machine.life === life

/** Called by the node, which must not be thrown at. */
function hearing(watch: Watch, { actor, claims, did, failed }: ClientPorts) {
  // What anybody was told before the watch began it is not told less than.
  let after = claims.toldOf(watch.key)
  return ({ key, value, version }: Watched): void => {
    const told = { version, value: value === null ? null : Number(Buffer.from(value).toString()) }
    try {
      after = claims.watched(actor.id, { key, after, told })
    } catch (error) {
      failed(error)
    }
    if (watch.last !== null) did('watched-change')
    watch.last = told
  }
}
