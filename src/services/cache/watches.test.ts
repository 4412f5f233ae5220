import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import type { Watched } from '#api/cache/cache-api.ts'
import { cacheKey } from '#core/cache/types.ts'
import { Watches } from './watches.ts'

const key = cacheKey('k')

/** When a read ends, and what it finds, is in the hands of the test. */
class Bench {
  readonly told: string[] = []
  readonly #reading: ((value: Watched | null) => void)[] = []
  #rested: () => void = () => {}
  readonly #watches = new Watches({
    clock: { after: (_ms: number, call: () => void) => void (this.#rested = call) } as never,
    read: () => new Promise((resolve) => void this.#reading.push(resolve)),
    watch: () => {},
  })

  watch(name: string): () => void {
    return this.#watches.add(key, ({ version }) => void this.told.push(`${name} ${version}`))
  }

  changed(): void {
    this.#watches.changed(key)
  }

  /** The read that is under way ends; null: it cannot be read now. */
  async reads(version: string | null): Promise<void> {
    const end = present(this.#reading.shift(), 'it is being read')
    end(version === null ? null : { key, value: null, found: true, version })
    for (let turns = 0; turns < 4; turns++) await Promise.resolve()
  }

  async rests(): Promise<void> {
    this.#rested()
    for (let turns = 0; turns < 4; turns++) await Promise.resolve()
  }
}

test('who begins to watch while the key cannot be read is not told what others were told long ago', async () => {
  const bench = new Bench()
  bench.watch('a')
  await bench.reads('1.1.0')
  bench.changed()
  await bench.reads(null)
  bench.watch('b')
  deepEqual(bench.told, ['a 1.1.0'])
  await bench.rests()
  await bench.reads('1.2.0')
  deepEqual(bench.told, ['a 1.1.0', 'a 1.2.0', 'b 1.2.0'])
})

test('who begins to watch while the key is read is told what is read after that', async () => {
  const bench = new Bench()
  bench.watch('a')
  bench.watch('b')
  await bench.reads('1.1.0')
  deepEqual(bench.told, ['a 1.1.0'])
  await bench.reads('1.2.0')
  deepEqual(bench.told, ['a 1.1.0', 'a 1.2.0', 'b 1.2.0'])
})

test('who begins to watch is told what there is, also when others know it; and who has stopped is told nothing', async () => {
  const bench = new Bench()
  bench.watch('a')
  await bench.reads('1.1.0')
  const stop = bench.watch('b')
  bench.watch('c')
  stop()
  await bench.reads('1.1.0')
  await bench.reads('1.1.0')
  deepEqual(bench.told, ['a 1.1.0', 'c 1.1.0'])
})
