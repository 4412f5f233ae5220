import { parseArgs } from 'node:util'
import { LRUCache } from 'lru-cache'
import { valueOf } from '#bench/caches/drive.ts'
import { LoneAgent } from '#bench/caches/lone-agent.ts'
import { all } from '#bench/contest/results.ts'
import { spread } from '#bench/kit/stats.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import { cacheKey } from '#core/cache/types.ts'
import { JsonValue } from '#sdk/cache/json-value.ts'

/**
 * What a hit and a write in the memory of an application consist of, part by part, in one thread and with nobody to ask: the agent of the library, whose
 * home is this program. Each part is measured alone, in turns, in blocks; the loop that goes through the keys is in all of them, and has a line of its own.
 *
 *     npm run bench -- cache-parts --rounds 5 --seconds 1 --keys 1000
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    keys: { type: 'string', default: '1000' },
  },
})
const rounds = Number(options.rounds)
const measuredMs = Number(options.seconds) * 1_000
const keyCount = Number(options.keys)
/** Operations between two looks at the clock; a lease must last for longer. */
const block = 50_000

const keys = Array.from({ length: keyCount }, (_, at) => `key:${at}`)
const values = keys.map((_, at) => valueOf(at))
const map = new Map(keys.map((key, at) => [key, values[at] ?? '']))
const json = new Map(keys.map((key, at) => [key, JsonValue.of(values[at])]))
const lru = new LRUCache<string, string>({ max: Math.max(keyCount, 100_000) })
const lruWithLives = new LRUCache<string, string>({ max: Math.max(keyCount, 100_000), ttl: 3_600_000 })
for (const [key, value] of map) {
  lru.set(key, value)
  lruWithLives.set(key, value)
}
const lone = new LoneAgent(keys, valueOf)
const { agent, cache, clock, handle } = lone

/** In one slot, which is all that there is here, no more lines may be dirty. */
const writtenCount = Math.min(keyCount, cacheLimits.dirtyLinesMax)

const keyAt = (at: number): string => keys[at % keyCount] ?? ''
const writtenAt = (at: number): string => keys[at % writtenCount] ?? ''
const valueAt = (at: number): string => values[at % keyCount] ?? ''

/** Does so many operations, and returns something that depends on all of them; or so many milliseconds, if it takes the time itself. */
interface Part {
  readonly name: string
  readonly run: (operations: number) => number
}

const loop: Part = {
  name: 'the loop over keys, alone',
  run: (operations) => {
    let sum = 0
    for (let at = 0; at < operations; at++) sum += keyAt(at).length
    return sum
  },
}

const reads: readonly Part[] = [
  loop,
  {
    name: 'a look into a `Map`',
    run: (operations) => {
      let sum = 0
      for (let at = 0; at < operations; at++) sum += map.get(keyAt(at))?.length ?? 0
      return sum
    },
  },
  {
    name: 'the clock of the machine, `performance.now()`',
    run: (operations) => {
      let sum = 0
      for (let at = 0; at < operations; at++) sum += performance.now() + keyAt(at).length
      return sum
    },
  },
  {
    name: 'the clock of leases, which reads that one',
    run: (operations) => {
      let sum = 0
      for (let at = 0; at < operations; at++) sum += clock.now() + keyAt(at).length
      return sum
    },
  },
  {
    name: 'the line, at a time that is given: look-up, lease, handle, mark and count',
    run: (operations) => {
      const now = clock.now()
      let sum = 0
      for (let at = 0; at < operations; at++) sum += agent.getSync(cacheKey(keyAt(at)), handle, now)?.size ?? Number.NaN
      return sum
    },
  },
  {
    name: 'a look into a `Map`, and the value of its JSON',
    run: (operations) => {
      let sum = 0
      for (let at = 0; at < operations; at++) {
        const value = json.get(keyAt(at))?.value
        sum += typeof value === 'string' ? value.length : Number.NaN
      }
      return sum
    },
  },
  {
    name: '`getSync` of the library: all of it',
    run: (operations) => {
      let sum = 0
      for (let at = 0; at < operations; at++) sum += cache.getSync(keyAt(at))?.length ?? Number.NaN
      return sum
    },
  },
  {
    name: '`get` of lru-cache, which puts the entry first',
    run: (operations) => {
      let sum = 0
      for (let at = 0; at < operations; at++) sum += lru.get(keyAt(at))?.length ?? Number.NaN
      return sum
    },
  },
  {
    name: '`get` of lru-cache where entries have a life',
    run: (operations) => {
      let sum = 0
      for (let at = 0; at < operations; at++) sum += lruWithLives.get(keyAt(at))?.length ?? Number.NaN
      return sum
    },
  },
]

const writes: readonly Part[] = [
  loop,
  {
    name: 'the JSON of a text of 100 bytes',
    run: (operations) => {
      let sum = 0
      for (let at = 0; at < operations; at++) sum += JsonValue.of(valueAt(at)).size
      return sum
    },
  },
  {
    name: 'the line, at a time and with a JSON that are given',
    run: (operations) => {
      const now = clock.now()
      const value = JsonValue.of(valueAt(0))
      let sum = 0
      for (let at = 0; at < operations; at++) sum += agent.setSync(cacheKey(writtenAt(at)), value, handle, now) ? 1 : Number.NaN
      return sum
    },
  },
  {
    name: '`setSync` of the library: all of it, but that memory hears of it',
    run: (operations) => {
      let sum = 0
      for (let at = 0; at < operations; at++) sum += cache.setSync(writtenAt(at), valueAt(at)) ? 1 : Number.NaN
      return sum
    },
  },
  {
    name: '`set` of lru-cache',
    run: (operations) => {
      let sum = 0
      for (let at = 0; at < operations; at++) sum += lru.set(writtenAt(at), valueAt(at)).size
      return sum
    },
  },
]

/** Nanoseconds of each, over as many blocks as there is time for. What one block leaves owed is flushed before the next. */
function nanosecondsOf({ name, run }: Part, ms: number): number {
  let [operations, spentMs] = [0, 0]
  while (spentMs < ms) {
    for (const answer of lone.flush()) lone.hear(answer)
    lone.renew()
    const from = performance.now()
    const sum = run(block)
    const took = performance.now() - from
    if (Number.isNaN(sum)) throw new Error(`${name}: something was not there, or not to be written; a block took ${took.toFixed(0)} ms`)
    operations += block
    spentMs += took
  }
  return (spentMs * 1e6) / operations
}

/** Of one line: asked for and encoded, and the answer decoded and taken. */
function nanosecondsOfFlush(ms: number): number {
  let [flushes, spentMs] = [0, 0]
  while (spentMs < ms) {
    lone.renew()
    for (const key of keys.slice(0, writtenCount)) cache.setSync(key, valueAt(flushes))
    const asked = performance.now()
    const answers = lone.flush()
    const answered = performance.now()
    for (const answer of answers) lone.hear(answer)
    spentMs += performance.now() - answered + (answered - asked)
    if (answers.length === 0) throw new Error('nothing was flushed')
    flushes += answers.length
  }
  return (spentMs * 1e6) / flushes
}

type Measured = readonly [name: string, measure: (ms: number) => number]
const measuredBy = (parts: readonly Part[]): readonly Measured[] => parts.map((part) => [part.name, (ms) => nanosecondsOf(part, ms)])

function print(title: string, measured: readonly Measured[]): void {
  const warmMs = Math.min(500, measuredMs)
  for (const [, measure] of measured) measure(warmMs)
  const seen = measured.map(([name]): readonly [string, number[]] => [name, []])
  for (let round = 0; round < rounds; round++) for (const [at, [, measure]] of measured.entries()) seen[at]?.[1].push(measure(measuredMs))
  console.log(`\n| ${title} | ns |\n| --- | --- |`)
  for (const [name, nanoseconds] of seen) console.log(`| ${name} | ${all(spread(nanoseconds))} |`)
}

print(`a hit, of ${keyCount} keys`, measuredBy(reads))
print(`a write at the level owner, of ${writtenCount} keys`, [
  ...measuredBy(writes),
  ['the flush of a line, without what its home does: asked for and encoded, the answer decoded and taken', nanosecondsOfFlush],
])
