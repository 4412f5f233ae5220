import { Fate } from '#sim/clients/fate.ts'
import type { LockProgram, LockProgramPorts } from './lock-program.ts'
import { connectLocks, lockProgram } from './lock-program.ts'
import { Task } from './task.ts'

/** One life of a program after the other: who has died comes back under another name and knows nothing. */
export async function liveWithLibrary(name: string, ports: LockProgramPorts): Promise<void> {
  for (let life = 1; !ports.isOver(); life++) {
    const process = lockProgram(`${name}.${life}`, ports)
    new Fate(process, ports.options.libraryFateEveryMs).begin()
    await Promise.race([liveOnce(process), process.dead])
  }
}

/** It ends in peace, or closes its client while its tasks are still at it. */
async function liveOnce(process: LockProgram): Promise<void> {
  const { prng, ports } = process
  const sync = await connectLocks(process)
  if (sync === null) return process.end()
  const tasks = Array.from({ length: prng.between(2, 4) }, () => new Task(process, sync).run())
  if (prng.chance(0.5)) tasks.push(new Task(process, sync).campaign('role'))
  const working = Promise.all(tasks)
  // Whoever waits for them hears of it.
  working.catch(() => {})
  if (prng.chance(0.5)) await Promise.race([process.toLeave, working])
  else await working
  ports.did('library-close')
  await process.bounded('close', farewellMs, sync.close())
  await working
  process.end()
}

/** The library takes no longer to say goodbye. */
const farewellMs = 1_000
