import { writeSync } from 'node:fs'
import { connect } from '#index.ts'
import { until } from './until.ts'

/**
 * A process that writes at the level `owner`, and tells of it in lines of JSON that are out before it goes on. `endless` writes the keys in turns, until it is
 * killed; `stopping` stops itself with values that memory cannot have, and tells when it wakes what it counts as lost and what it reads.
 */
const [urls = '', mode = '', ...keys] = process.argv.slice(2)
const sync = await connect({ cache: urls.split(','), timeoutMs: 30_000 })
const cache = await sync.cache<number>()
const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`)
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 1)
  })

async function endless(): Promise<never> {
  for (let value = 1; ; value++) {
    const key = keys[value % keys.length] as string
    const owned = cache.setSync(key, value)
    if (!owned) await cache.set(key, value)
    say({ key, value, owned, at: Date.now() })
    await turn()
  }
}

/** Of thirds of the keys: memory has what was written at the level `owner`, has what was before it, and has what was before two of them. */
async function stopping(): Promise<void> {
  const third = keys.length / 3
  for (const key of keys) await cache.set(key, 1)
  let before = 0
  for (let isDone = false; !isDone;) {
    for (const key of keys) if (cache.peek(key) === undefined) await cache.set(key, 1)
    await until('memory has all of it', () => cache.statistics().owed === 0)
    for (const key of keys.slice(0, third)) if (!cache.setSync(key, 2)) await cache.set(key, 2)
    await until('memory has all of it', () => cache.statistics().owed === 0)
    before = cache.statistics().lost
    // A machine that was busy for longer than a lease has taken some of them away.
    if (keys.some((key) => !['M', 'E'].includes(cache.peek(key)?.state ?? 'I'))) continue
    isDone = keys.slice(third).every((key) => cache.setSync(key, 3))
    isDone &&= keys.slice(2 * third).every((key) => cache.setSync(key, 4))
  }
  say({ stopping: true })
  // In the turn of the writes: nobody can have been told of them.
  process.kill(process.pid, 'SIGSTOP')
  const read: Record<string, number | undefined> = {}
  for (const key of keys) read[key] = await cache.get(key)
  say({ lost: cache.statistics().lost - before, read })
  await sync.close()
}

await (mode === 'endless' ? endless() : stopping())
