import type { AgentState } from '#core/cache/agent-state.ts'
import { cacheKey } from '#core/cache/types.ts'
import { namespaceOf } from '#core/cache/memory-state.ts'
import { present } from '#base/assert.ts'
import type { CacheClient } from '#sdk/cache/cache-client.ts'
import type { Cache } from '#sdk/cache/cache.ts'
import { LockstepError } from '#sdk/errors.ts'
import { clearedNamespace } from '#sim/cache/options.ts'
import { refusal } from '#sim/clients/program.ts'
import type { CacheProgram } from './cache-program.ts'
import { Loads } from './loads.ts'

/** A handle of a cache, by the name that its claims have. */
export interface Handle {
  readonly name: string
  readonly namespace: string
  readonly cache: Cache<number>
}

/** A key, as a handle that may use it calls it. */
export interface Use {
  readonly key: string
  readonly name: string
  readonly handle: Handle
}

/** An agent of a program, with its handles: two see the same keys, and one those of a namespace. */
export class OpenCache {
  readonly state: AgentState
  readonly cache: Cache<number>
  /** The level of writes that name none. */
  readonly ack: 'replicated' | 'owner'
  readonly loads = new Loads()
  readonly handles: readonly Handle[]
  readonly uses: readonly Use[]

  constructor(
    name: string,
    { state, cache, ack, keys }: Pick<OpenCache, 'state' | 'cache' | 'ack'> & { readonly keys: readonly string[] },
  ) {
    this.state = state
    this.cache = cache
    this.ack = ack
    this.handles = ['', '', clearedNamespace].map((namespace, at) => ({
      name: `${name}/${at}`,
      namespace,
      cache: at === 0 ? cache : cache.namespace<number>(namespace),
    }))
    this.uses = this.handles.flatMap((handle) =>
      keys.filter((key) => namespaceOf(cacheKey(key)) === handle.namespace).map((key) => ({ key, name: nameIn(key, handle), handle })),
    )
  }
}

const nameIn = (key: string, { namespace }: Handle): string => (namespace === '' ? key : key.slice(namespace.length + 1))

/** Tries until it is let in; null when the program is over before that. */
export async function openCache(program: CacheProgram, client: CacheClient): Promise<OpenCache | null> {
  const { prng, ports } = program
  const ack = prng.chance(0.2) ? 'owner' : 'replicated'
  const options = { linesMax: prng.pick([1, 3, 100_000]), ack } as const
  while (!program.isOver) {
    const cache = await program.bounded('cache', program.timeoutMs, client.cache<number>(options)).catch(refusal)
    if (!(cache instanceof LockstepError)) {
      const { state } = present([...client.agents].at(-1), 'the newest is the one that was opened just now').agent
      const open = new OpenCache(`${program.name}/${ports.applications.totals.agents}`, { state, cache, ack, keys: ports.keys })
      ports.applications.opened(program.machine, state)
      program.held.opened(open)
      return open
    }
    if (cache.code !== 'connection_failed') throw cache
    ports.did('library-open-again')
    await program.sleep(prng.between(50, 1_000))
  }
  return null
}
