import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, LockstepError } from '#index.ts'
import type { Cache } from '#index.ts'
import { nodeServices } from './compose-file.ts'
import { ComposeWorld, withoutNetwork } from './compose-world.ts'
import { enterNetwork } from './container-network.ts'
import { scaleUpAndDown } from './scale-walk.ts'

const options = { skip: withoutNetwork, timeout: 290_000 }

/**
 * Tasks with a key each, who read by one client what they wrote by the other. A write whose outcome nobody can tell is written again, as the guide says:
 * that happens where leases run out, which they do on a machine with too much to do.
 */
class CacheLoad implements AsyncDisposable {
  readonly failures: string[] = []
  done = 0
  /** Writes of which nobody could tell. */
  unknown = 0
  #running = true
  readonly #tasks: Promise<unknown>

  constructor(writer: Cache, reader: Cache) {
    this.#tasks = Promise.all(Array.from({ length: 8 }, (_, at) => this.#drive(`key-${at}`, writer, reader)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false
    await this.#tasks
  }

  async #drive(key: string, writer: Cache, reader: Cache): Promise<void> {
    let round = 0
    while (this.#running) {
      round++
      try {
        await this.#write(key, round, writer)
        const seen = await reader.get(key)
        if (seen !== round) this.failures.push(`${key} was ${round} and is ${JSON.stringify(seen)}`)
        this.done++
      } catch (error) {
        this.failures.push(`${key}: ${String(error)}`)
      }
    }
  }

  async #write(key: string, round: number, writer: Cache): Promise<void> {
    for (;;) {
      try {
        await writer.set(key, round)
        return
      } catch (error) {
        if (!(error instanceof LockstepError) || error.code !== 'unknown') throw error
        this.unknown++
      }
    }
  }
}

test(
  '--scale cache-node=5: five join the three under load and leave again; no call fails, and nobody reads what is old',
  options,
  async (t) => {
    await using world = new ComposeWorld()
    enterNetwork({ host: null, networkFile: world.networkFile })
    await world.up(nodeServices.cache.nodes)
    const urls = world.containers.map(({ url }) => url)
    await using writing = await connect({ cache: urls, timeoutMs: 60_000 })
    await using reading = await connect({ cache: urls, timeoutMs: 60_000 })
    await using load = new CacheLoad(await writing.cache(), await reading.cache())
    const { scaled } = nodeServices.cache
    await scaleUpAndDown({ world, scaled, done: () => load.done, failures: () => load.failures, engine: 'embedded', t })
    t.diagnostic(`${load.unknown} writes had an unknown outcome`)
    assert.deepEqual(load.failures, [])
  },
)
