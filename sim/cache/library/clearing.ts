import { LockstepError } from '#sdk/errors.ts'
import { clearedNamespace } from '#sim/cache/options.ts'
import { refusal } from '#sim/clients/program.ts'
import type { CacheProgram } from './cache-program.ts'
import type { OpenCache } from './open-cache.ts'
import { survive } from './refusals.ts'

/** Empties the namespace that is there to be emptied. */
export async function clear(program: CacheProgram, { handles, uses }: OpenCache): Promise<void> {
  const { ports, timeoutMs } = program
  const handle = handles.find(({ namespace }) => namespace === clearedNamespace)
  if (handle === undefined) return
  ports.did('library-clear')
  const clearance = ports.claims.clearing(uses.filter((use) => use.handle === handle).map(({ key }) => key))
  const told = await program.bounded('clear', timeoutMs, handle.cache.clear()).catch(refusal)
  if (told instanceof LockstepError) return survive(program, told)
  ports.did('library-told-cleared')
  return ports.claims.cleared(handle.name, clearance)
}
