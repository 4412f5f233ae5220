import type { Entry, SetItemResult } from '#sdk/cache/cache.ts'
import type { SetOptions } from '#sdk/cache/options.ts'
import type { Claim } from '#sim/cache/claims.ts'
import type { CacheProgram } from './cache-program.ts'
import type { OpenCache, Use } from './open-cache.ts'
import { outcomeOf, refused } from './refusals.ts'

/** Changes a key in one of the ways that there are. `over` is what was read of it last. */
export async function change(program: CacheProgram, open: OpenCache, use: Use, over: Entry<number> | null): Promise<void> {
  const dice = program.prng.float()
  if (dice < 0.3) await set(program, open, use)
  else if (dice < 0.55) setSync(program, open, use)
  else if (dice < 0.65) await remove(program, use)
  else if (dice < 0.72) await increment(program, use)
  else if (dice < 0.9) await compareAndSet(program, use, over)
  else await setMany(program, open, use)
}

async function set(program: CacheProgram, open: OpenCache, use: Use): Promise<void> {
  await setValue(program, open, use, { value: program.ports.nextValue(), options: drawTerms(program) })
}

interface Setting {
  readonly value: number
  readonly options: Pick<SetOptions, 'ack' | 'ttlMs'>
}

/** True when it is confirmed. */
export async function setValue(program: CacheProgram, open: OpenCache, use: Use, { value, options }: Setting): Promise<boolean> {
  const { ports, prng, held, machine } = program
  const ending = new AbortController()
  const aborts = prng.chance(0.05)
  if (aborts) machine.after(prng.float() * 20, () => ending.abort())
  ports.did(aborts ? 'library-set-abort' : 'library-set')
  const claim = held.called(use, use.key, { type: 'set', value })
  const call = use.handle.cache.set(use.name, value, aborts ? { ...options, signal: ending.signal } : options)
  if (tellOwned(program, open, { use, claim, value })) {
    await program.bounded('set', program.timeoutMs, call)
    return true
  }
  const told = await outcomeOf(program, 'set', { claim, call })
  if (told !== null) tellWritten(program, open, claim, { version: told.version, ack: options.ack })
  return told !== null
}

function setSync(program: CacheProgram, open: OpenCache, { key, name, handle }: Use): void {
  const { ports } = program
  const value = ports.nextValue()
  if (!handle.cache.setSync(name, value)) return ports.did('library-set-sync-elsewhere')
  ports.did('library-set-sync')
  const claim = ports.claims.called(handle.name, key, { type: 'set', value })
  return tellWritten(program, open, claim, { version: handle.cache.peek(name)?.version ?? '', ack: 'owner' })
}

async function remove(program: CacheProgram, use: Use): Promise<void> {
  program.ports.did('library-delete')
  const claim = program.held.called(use, use.key, { type: 'delete' })
  const told = await outcomeOf(program, 'delete', { claim, call: use.handle.cache.delete(use.name).then(() => true) })
  if (told !== null) program.ports.claims.deleted(claim)
}

async function increment(program: CacheProgram, use: Use): Promise<void> {
  program.ports.did('library-increment')
  const by = program.ports.addends.draw(program.prng)
  const claim = program.held.called(use, use.key, { type: 'add', by })
  const sum = await outcomeOf(program, 'increment', { claim, call: use.handle.cache.increment(use.name, by) })
  if (sum !== null) program.ports.claims.summed(claim, sum)
}

async function compareAndSet(program: CacheProgram, use: Use, over: Entry<number> | null): Promise<void> {
  const { ports, held } = program
  ports.did('library-compare-and-set')
  const value = ports.nextValue()
  const [version, expected] = over?.value === undefined ? [null, null] : [over.version, over.value]
  const claim = held.called(use, use.key, expected === null ? { type: 'create', value } : { type: 'replace', expected, value })
  const told = await outcomeOf(program, 'compareAndSet', { claim, call: use.handle.cache.compareAndSet(use.name, version, value) })
  if (told === null) return
  ports.did(told.swapped ? 'library-swapped' : 'library-not-swapped')
  if (told.swapped) ports.claims.changed(claim, { version: told.version, value: null }, null)
  else ports.claims.mismatch(claim)
}

async function setMany(program: CacheProgram, open: OpenCache, { handle }: Use): Promise<void> {
  const { ports, held } = program
  ports.did('library-set-many')
  const options = drawTerms(program)
  const items = open.uses
    .filter((use) => use.handle === handle)
    .map((use) => ({ use, value: ports.nextValue() }))
    .map(({ use, value }) => ({ use, name: use.name, value, claim: held.called(use, use.key, { type: 'set', value }) }))
  const all = handle.cache.setMany(
    items.map(({ name, value }) => [name, value]),
    options,
  )
  const isTold = items.map((item) => tellOwned(program, open, item))
  const results = await program.bounded('setMany', program.timeoutMs, all)
  for (const [at, { claim }] of items.entries()) {
    if (isTold[at] === true) continue
    held.over(claim)
    tellItem(program, open, claim, { result: results[at], ack: options.ack })
  }
}

/** An owner has it in the turn of the call, and others may be told of it before who has called. */
function tellOwned(
  program: CacheProgram,
  open: OpenCache,
  { use, claim, value }: { readonly use: Use; readonly claim: Claim; readonly value: number },
): boolean {
  const here = use.handle.cache.peek(use.name)
  if (here?.value !== value) return false
  program.held.over(claim)
  tellWritten(program, open, claim, { version: here.version, ack: 'owner' })
  return true
}

interface Item {
  readonly result: SetItemResult | undefined
  readonly ack: SetOptions['ack']
}

function tellItem(program: CacheProgram, open: OpenCache, claim: Claim, { result, ack }: Item): void {
  if (result?.ok === true) tellWritten(program, open, claim, { version: result.version, ack })
  else if (result !== undefined) refused(program, claim, result.error)
}

function tellWritten(
  { ports }: CacheProgram,
  { ack: usual, state }: OpenCache,
  claim: Claim,
  { version, ack = usual }: { readonly version: string; readonly ack: SetOptions['ack'] },
): void {
  const where = ports.claims.changed(claim, { version, value: null }, ack === 'owner' ? state.id : null)
  if (where === 'owed') ports.did('library-answered-by-the-owner')
}

function drawTerms({ prng, ports: { options } }: CacheProgram): Pick<SetOptions, 'ack' | 'ttlMs'> {
  if (prng.chance(options.ttlShare)) return { ttlMs: prng.pick([50, 500, 3_000]) }
  return prng.chance(options.ownerShare) ? { ack: 'owner' } : {}
}
