import type { Entry } from '#sdk/cache/cache.ts'
import { Fate } from '#sim/clients/fate.ts'
import type { CacheProgram, CacheProgramPorts } from './cache-program.ts'
import { cacheProgram, connectCache } from './cache-program.ts'
import { change } from './changing.ts'
import { clear } from './clearing.ts'
import { HandleSeat } from './handle-seat.ts'
import { getOrSet } from './loading.ts'
import type { OpenCache } from './open-cache.ts'
import { openCache } from './open-cache.ts'
import { read } from './reading.ts'
import { watch } from './watching.ts'

/** One life of a program after the other: who has died comes back under another name and knows nothing. */
export async function liveWithCache(name: string, ports: CacheProgramPorts): Promise<void> {
  for (let life = 1; !ports.isOver(); life++) {
    const program = cacheProgram(`${name}.${life}`, ports)
    new Fate(program, ports.options.libraryFateEveryMs).begin()
    await Promise.race([liveOnce(program), program.dead])
  }
}

/** It ends in peace, or closes its client while its tasks are still at it. */
async function liveOnce(program: CacheProgram): Promise<void> {
  const { prng, ports } = program
  const client = await connectCache(program)
  if (client === null) return program.end()
  const tasks: Promise<void>[] = []
  for (let caches = prng.between(1, 2); caches > 0; caches--) {
    const open = await openCache(program, client)
    if (open !== null) tasks.push(...beginTasks(program, open))
  }
  const working = Promise.all(tasks)
  // Whoever waits for them hears of it.
  working.catch(() => {})
  if (prng.chance(0.5)) await Promise.race([program.toLeave, working])
  else await working
  ports.did('library-close')
  await program.bounded('close', farewellMs, client.close())
  program.held.closed()
  await working
  program.end()
}

function beginTasks(program: CacheProgram, open: OpenCache): Promise<void>[] {
  const { prng } = program
  const tasks = Array.from({ length: prng.between(1, 3) }, () => use(program, open))
  if (prng.chance(0.5)) tasks.push(watchOn(program, open))
  tasks.push(new HandleSeat(program, open).offer())
  return tasks
}

async function watchOn(program: CacheProgram, open: OpenCache): Promise<void> {
  while (!program.isOver) {
    await watch(program, open, program.prng.pick(open.uses))
    await program.think(1_000)
  }
}

async function use(program: CacheProgram, open: OpenCache): Promise<void> {
  const { prng, ports } = program
  const { thinkMs, readShare, clearThinkMs } = ports.options
  const known = new Map<string, Entry<number>>()
  for (;;) {
    await program.think(thinkMs)
    if (program.isOver) return
    const each = prng.pick(open.uses)
    const dice = prng.float()
    if (dice < readShare) {
      const entry = await read(program, open, each)
      if (entry !== null) known.set(each.key, entry)
    } else if (dice < readShare + 0.1) await getOrSet(program, open, each)
    else if (clearThinkMs !== null && prng.chance(0.02)) await clear(program, open)
    else await change(program, open, each, known.get(each.key) ?? null)
  }
}

/** The library takes no longer to say goodbye. */
const farewellMs = 1_000
