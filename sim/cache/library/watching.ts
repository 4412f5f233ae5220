import { Violation } from '#sim/checks/violation.ts'
import type { Entry } from '#sdk/cache/cache.ts'
import type { CacheProgram } from './cache-program.ts'
import type { OpenCache, Use } from './open-cache.ts'

/** Watches a key for a while, and when all is over until it has been told of the last value. */
export async function watch(program: CacheProgram, { state }: OpenCache, { key, name, handle }: Use): Promise<void> {
  const { ports, prng, machine } = program
  const ending = new AbortController()
  const seen: { last: Entry<number> | null; isOver: boolean } = { last: null, isOver: false }
  ports.did('library-watch')
  const listening = (async (): Promise<void> => {
    let after = ports.claims.toldOf(key)
    for await (const entry of handle.cache.watch(name, { signal: ending.signal })) {
      const told = { version: entry.version, value: entry.value ?? null }
      if (seen.last !== null) ports.did('library-watched-change')
      seen.last = entry
      if (ports.claims.isPrivate({ client: handle.name, key }, told, state.id)) continue
      after = ports.claims.watched(handle.name, { key, after, told })
      // Who takes its time is told of the newest then.
      if (prng.chance(0.2)) await program.sleepUnder(ending.signal, program.thinkMs(300))
    }
  })()
    .catch((error: unknown) => ports.failed(error))
    .finally(() => (seen.isOver = true))
  const until = machine.now() + prng.between(2_000, 20_000)
  while (!seen.isOver && !program.isOver && machine.now() < until) await program.sleep(500)
  if (ports.isOver()) await hearTheLast(program, { handle: handle.name, key }, seen)
  ending.abort()
  await program.bounded('the end of a watch', program.timeoutMs, listening)
}

async function hearTheLast(
  program: CacheProgram,
  { handle, key }: { readonly handle: string; readonly key: string },
  seen: { readonly last: Entry<number> | null; readonly isOver: boolean },
): Promise<void> {
  const { ledger, did } = program.ports
  for (let waitedMs = 0; waitedMs < lastMs; waitedMs += 500) {
    const { value, version } = ledger.of(key).last
    if (seen.isOver) return
    if (seen.last !== null && (seen.last.value ?? null) === value && (value === null || seen.last.version === version))
      return did('library-heard-the-last')
    await program.sleep(500)
  }
  if (!seen.isOver)
    throw new Violation(`who watches ${key} at ${handle} was told ${seen.last?.value}, and it is ${ledger.of(key).last.value}`)
}

/** For changes that are under way when all is over, and elections. */
const lastMs = 30_000
