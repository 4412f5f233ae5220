import type { Entry } from '#sdk/cache/cache.ts'
import type { Claim } from '#sim/cache/claims.ts'
import type { Found } from '#sim/cache/litmus/seat.ts'
import type { CacheProgram } from './cache-program.ts'
import type { OpenCache, Use } from './open-cache.ts'
import { outcomeOf } from './refusals.ts'

/** Reads a key in one of the ways that there are. */
export async function read(program: CacheProgram, open: OpenCache, use: Use): Promise<Entry<number> | null> {
  const { prng } = program
  const dice = prng.float()
  if (dice < 0.35) await get(program, open, use)
  else if (dice < 0.6) getSync(program, open, use)
  else if (dice < 0.7) await getMany(program, open, use)
  else return readEntry(program, open, use)
  return null
}

/** Null when it was refused. */
export async function get(program: CacheProgram, open: OpenCache, use: Use): Promise<Found | null> {
  const { ports, prng, held, machine } = program
  const ending = new AbortController()
  const aborts = prng.chance(0.05)
  if (aborts) machine.after(prng.float() * 5, () => ending.abort())
  ports.did(aborts ? 'library-get-abort' : 'library-get')
  const claim = held.called(use, use.key, { type: 'read' })
  const call = use.handle.cache.get(use.name, aborts ? { signal: ending.signal } : undefined)
  const told = await outcomeOf(program, 'get', { claim, call: call.then((value) => ({ value: value ?? null })) })
  if (told !== null) tell(program, open, claim, told.value)
  return told
}

/** At once, or not at all. */
export function getSync({ ports, held }: CacheProgram, open: OpenCache, { key, name, handle }: Use): Found | null {
  const value = handle.cache.getSync(name) ?? null
  const entry = handle.cache.peek(name)
  if (value === null && entry === undefined) return null
  ports.did('library-hit')
  const claim = ports.claims.called(handle.name, key, { type: 'read' })
  tell({ ports, held }, open, claim, value)
  if (entry !== undefined) tellEntry({ ports }, open, { claim: ports.claims.called(handle.name, key, { type: 'read' }), entry })
  return { value }
}

async function getMany(program: CacheProgram, open: OpenCache, { handle }: Use): Promise<void> {
  const { ports, held } = program
  ports.did('library-get-many')
  const uses = open.uses.filter((use) => use.handle === handle)
  const claims = uses.map((use) => held.called(use, use.key, { type: 'read' }))
  const all = handle.cache.getMany(uses.map(({ name }) => name))
  const outcomes = claims.map((claim) => outcomeOf(program, 'getMany', { claim, call: all }))
  for (const [at, outcome] of outcomes.entries()) {
    const [use, claim] = [uses[at], claims[at]]
    const found = await outcome
    if (found !== null && use !== undefined && claim !== undefined) tell(program, open, claim, found.get(use.name) ?? null)
  }
}

async function readEntry(program: CacheProgram, open: OpenCache, use: Use): Promise<Entry<number> | null> {
  program.ports.did('library-read')
  const claim = program.held.called(use, use.key, { type: 'read' })
  const entry = await outcomeOf(program, 'read', { claim, call: use.handle.cache.read(use.name) })
  if (entry !== null) tellEntry(program, open, { claim, entry })
  return entry
}

function tell({ ports }: Pick<CacheProgram, 'ports' | 'held'>, { state }: OpenCache, claim: Claim, value: number | null): void {
  if (ports.claims.readValue(claim, value, state.id) === 'private') ports.did('library-read-of-its-own')
}

function tellEntry(
  { ports }: Pick<CacheProgram, 'ports'>,
  { state }: OpenCache,
  { claim, entry }: { readonly claim: Claim; readonly entry: Entry<number> },
): void {
  const told = { version: entry.version, value: entry.value ?? null }
  if (ports.claims.readPrivately(claim, told, state.id)) ports.did('library-read-of-its-own')
  else ports.claims.read(claim, told)
}
