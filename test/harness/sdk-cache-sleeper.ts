import { connect } from '#index.ts'

/**
 * A process that keeps a line, and tells in lines of JSON what it reads of it: first, and, when it finds that it has slept, in its first moment, from its
 * memory and then from whoever it has to ask.
 */
/** Longer than a lease: less may be a busy machine. */
const sleptMs = 2_000
const [urls = '', key = ''] = process.argv.slice(2)
const sync = await connect({ cache: urls.split(',') })
const cache = await sync.cache<number>()
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
const first = await cache.get(key)
const keeping = setInterval(() => void cache.get(key), 50)
let last = performance.now()
const timer = setInterval(() => {
  const now = performance.now()
  const slept = now - last
  last = now
  if (slept < sleptMs) return
  clearInterval(timer)
  clearInterval(keeping)
  const here = cache.getSync(key) ?? null
  void cache.get(key).then(async (value) => {
    say({ here, value: value ?? null, lapses: cache.statistics().lapses })
    await sync.close()
  })
}, 5)
say({ value: first ?? null })
