import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import type { KeyQueue } from './keys.ts'
import { Keys } from './keys.ts'
import type { RecordNumber } from './records.ts'
import { leased, none, Records } from './records.ts'

const standing = (records: Records, { first }: KeyQueue): RecordNumber[] => {
  const found: RecordNumber[] = []
  for (let record = first; record !== none; record = records.keyAfter[record] as number) found.push(record)
  return found
}

test('messages of a key stand in the order of the log, in whatever order they come and go, and one in flight is the first', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const prng = new Prng(seed)
    const records = new Records()
    const keys = new Keys(records)
    const key = keys.create('k')
    const all = prng.shuffle(Array.from({ length: 30 }, (_, at) => records.add({ index: 5 + (at >> 1), offset: at & 1, partition: 0 })))
    let inside: RecordNumber[] = []
    let inFlight = none
    for (let step = 0; step < 80; step++) {
      const record = prng.pick(all)
      if (!inside.includes(record)) {
        keys.join(key, record)
        inside.push(record)
      } else if (record !== inFlight) {
        const [before] = standing(records, key)
        equal(keys.leave(record), before === record ? (standing(records, key)[0] ?? none) : none)
        records.key[record] = none
        inside = inside.filter((other) => other !== record)
      }
      if (inFlight === none && step > 20 && key.first !== none) {
        inFlight = key.first
        records.state[inFlight] = leased
      }
      const others = inside.filter((other) => other !== inFlight).sort((left, right) => (records.isBefore(left, right) ? -1 : 1))
      deepEqual(standing(records, key), inFlight === none ? others : [inFlight, ...others])
      equal(key.last, standing(records, key).at(-1) ?? none)
    }
  }
})

test('a hundred thousand messages of one key come back in order without looking through each other', () => {
  const records = new Records()
  const keys = new Keys(records)
  const key = keys.create('k')
  const all = Array.from({ length: 100_000 }, (_, at) => records.add({ index: at + 1, offset: 0, partition: 0 }))
  keys.join(key, records.add({ index: 1e6, offset: 0, partition: 0 }))
  for (const record of all) keys.join(key, record)
  deepEqual(standing(records, key).slice(0, 100_000), all)
})
