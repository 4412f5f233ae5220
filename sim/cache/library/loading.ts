import type { CacheProgram } from './cache-program.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { OpenCache, Use } from './open-cache.ts'
import { outcomeOf } from './refusals.ts'

/** What a loader throws. */
class Failed extends Error {
  override readonly name = 'Failed'
}

/** The value, or what is loaded where there is none. */
export async function getOrSet(program: CacheProgram, open: OpenCache, use: Use): Promise<void> {
  const { ports, prng, held } = program
  ports.did('library-get-or-set')
  const claim = held.called(use, use.key, { type: 'read' })
  const options = prng.chance(ports.options.ttlShare) ? { ttlMs: 500 } : {}
  const call = use.handle.cache.getOrSet(use.name, () => load(program, open, use), options)
  const told = await outcomeOf(program, 'getOrSet', { claim, call: call.then((value) => ({ value }), failed) })
  if (told === null) return
  if (told === 'failed') return ports.claims.refused(claim)
  const value = told.value ?? null
  const isBrought = open.loads.isBrought(claim, value)
  if (value === null && !isBrought) throw new Violation(`${use.handle.name} is given nothing for ${use.key}, and no loader brought that`)
  return ports.claims.filled(claim, value, { agent: open.state.id, isBrought })
}

function failed(error: unknown): 'failed' {
  if (error instanceof Failed) return 'failed'
  throw error
}

/** Mostly quick; or slow, for longer than its token lasts, without an end, without a value, or in vain. */
async function load(program: CacheProgram, { loads }: OpenCache, { key, handle }: Use): Promise<number | undefined> {
  const { ports, prng } = program
  const value = ports.nextValue()
  const claim = ports.claims.loading(handle.name, key, value)
  const kind = prng.chance(ports.options.loaderTroubleShare) ? prng.pick(troubles) : 'quick'
  ports.did(`library-load-${kind}`)
  loads.brought(claim, value)
  switch (kind) {
    case 'quick':
      await program.think(30)
      return value
    case 'slow':
      await program.think(1_500)
      return value
    case 'late':
      await program.sleep(prng.between(4_500, 7_000))
      return value
    case 'hangs':
      return new Promise<never>(() => {})
    case 'nothing':
      await program.think(30)
      loads.broughtNothing(claim)
      ports.claims.notDone(claim)
      return undefined
    case 'fails':
      await program.think(30)
      ports.claims.notDone(claim)
      throw new Failed()
  }
}

const troubles = ['slow', 'late', 'hangs', 'nothing', 'fails'] as const
