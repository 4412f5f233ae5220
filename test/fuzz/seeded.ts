import type { TestContext } from 'node:test'
import fc from 'fast-check'
import type { KeptSeed } from './kept-seeds.ts'
import { keptSeeds } from './kept-seeds.ts'

/** Inputs that are drawn: first those that are kept, then new ones, or those of `FUZZ_SEED`. */

const keptOf = (name: string): readonly KeptSeed[] => keptSeeds[name] ?? []

const newSeed = (): number => Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)

interface Runs {
  readonly numRuns: number
  /** Of several rounds each has inputs of its own. */
  readonly round?: number
}

/** One that fails tells seed, path and input. */
export async function checkProperty<Input>(name: string, property: fc.IRawProperty<Input>, { numRuns, round = 0 }: Runs): Promise<void> {
  for (const { seed, path } of round === 0 ? keptOf(name) : []) await fc.assert(property, { seed, path, numRuns: 1 })
  await fc.assert(property, { seed: newSeed() + round, numRuns })
}

export interface Sample<Input> {
  readonly input: Input
  /** How it can be had again. */
  readonly origin: string
}

/** So many of each of these, by their names; the seed is told. */
export function samplesOf<Input>(
  t: TestContext,
  inputs: Readonly<Record<string, fc.Arbitrary<Input>>>,
  each: number,
): readonly Sample<Input>[] {
  const fresh = newSeed()
  t.diagnostic(`FUZZ_SEED=${fresh}`)
  return Object.entries(inputs).flatMap(([name, arbitrary]) => {
    const origin = (seed: number, path: string): string => `${name}: { seed: ${seed}, path: '${path}' }`
    const kept = keptOf(name).flatMap(({ seed, path }) =>
      fc.sample(arbitrary, { seed, path, numRuns: 1 }).map((input) => ({ input, origin: origin(seed, path) })),
    )
    const drawn = fc.sample(arbitrary, { seed: fresh, numRuns: each })
    return [...kept, ...drawn.map((input, at) => ({ input, origin: origin(fresh, String(at)) }))]
  })
}

/** Each of all the inputs in turn, as many at a time as there are senders; one that fails says which input it was. */
export async function sendAll<Input>(
  samples: readonly Sample<Input>[],
  senders: readonly ((input: Input) => Promise<void>)[],
): Promise<void> {
  const left = samples.values()
  await Promise.all(
    senders.map(async (send) => {
      for (const { input, origin } of left) {
        await send(input).catch((cause: unknown) => {
          throw new Error(origin, { cause })
        })
      }
    }),
  )
}
