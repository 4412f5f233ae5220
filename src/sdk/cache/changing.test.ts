import { deepEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import type { Outcome } from '#core/cache/types.ts'
import { cacheKey, grant, handle, homeTerm } from '#core/cache/types.ts'
import type { CacheAgent } from './cache-agent.ts'
import type { Place } from './changing.ts'
import { change } from './changing.ts'

/** Whose changes come to that, in turn; and whether each had a number. */
function answering(...outcomes: readonly Outcome[]): { readonly place: Place; readonly numbered: boolean[] } {
  const numbered: boolean[] = []
  const left = [...outcomes]
  const agent = {
    permit: () => {},
    beginChange: () => 1,
    endChange: () => {},
    slotOf: () => 1,
    identityOf: () => ({ sequence: 1 }),
    watches: { changed: () => {} },
    host: {
      write: (_: unknown, { operation }: { readonly operation: { readonly identity: unknown } }) =>
        void numbered.push(operation.identity !== null),
    },
    asking: {
      isOver: () => false,
      ask: async (_: unknown, start: (done: () => void) => void) => {
        start(() => {})
        return { type: 'changed', id: 1, outcome: left.shift(), invalidated: 0 }
      },
    },
  }
  return { place: { agent: agent as unknown as CacheAgent, key: cacheKey('k'), handle: handle(1) }, numbered }
}

const terms = { beganAt: millis(0), deadline: millis(5_000), signal: undefined, doubtful: false }
const done: Outcome = { type: 'done', version: { term: homeTerm(1), grant: grant(1), sequence: 0 }, number: null }
const tooMany: Outcome = { type: 'refused', code: 'too_many_clients' }
const remove = { type: 'delete', condition: { type: 'none' } } as const

test('where there is no room for its number a change is made without one, and then only once', async () => {
  const made = answering(tooMany, done)
  deepEqual(await change(made.place, remove, terms), done)
  deepEqual(made.numbered, [true, false])
  const lost = answering(tooMany, { type: 'unknown' })
  await rejects(change(lost.place, remove, terms), { code: 'unknown' })
  deepEqual(lost.numbered, [true, false])
  const repeated = answering({ type: 'unknown' }, tooMany, done)
  await change(repeated.place, remove, terms)
  deepEqual(repeated.numbered, [true, true, true], 'it may have been carried out under its number')
})
