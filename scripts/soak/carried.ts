import type { Measured } from './generator.ts'
import type { LoadLine } from './load-line.ts'
import { shedOf } from './outcomes.ts'
import type { Paced } from './pace.ts'

/**
 * Of each kind of operation, while it is measured what is carried: ever more, until that brings nothing; no more than that, as the load for twice what longer queues carry cannot be made on
 * one processor. Nodes that have just begun carry less.
 */
const atOnce = { warm: 96, first: 24, last: 384 } as const
const timing = { warmMs: 20_000, measureMs: 10_000, periodMs: 20_000 } as const
const factor = 2

/** Of what is done: as much may be refused where all is still carried. */
const refusedShare = 0.01
const enoughMore = 1.05
/** One time may be a bad moment of the machine. */
const inVainMax = 2

/**
 * What nodes carry of each kind, in a second: all kinds at once, as the load comes, ever more of each until that brings nothing: as many as all of them together came to then, in the proportions
 * that they had before anything was refused, as afterwards those have most who insist most.
 */
export async function carriedBy(lines: readonly LoadLine[], say: (line: string) => void): Promise<readonly number[]> {
  const measured = (count: number, forMs: number): Promise<readonly Measured[]> =>
    Promise.all(lines.map((line) => line.measure(count, forMs)))
  let mix = await measured(atOnce.warm, timing.warmMs)
  let [most, inVain] = [0, 0]
  for (let count: number = atOnce.first; count <= atOnce.last; count *= 2) {
    const found = await measured(count, timing.measureMs)
    const [rate, refused, done] = [rateOf(found), sum(found.map(({ counts }) => shedOf(counts))), doneOf(found)]
    say(`${count} of each kind at once: ${rate.toFixed(0)} a second, ${refused} refused`)
    if (refused <= refusedShare * done) mix = found
    inVain = rate < enoughMore * most ? inVain + 1 : 0
    most = Math.max(most, rate)
    if (inVain === inVainMax) break
  }
  return mix.map(({ perSecond }) => (perSecond * most) / rateOf(mix))
}

/**
 * Twice what is carried, for so long: twice what was measured, or more when the nodes carried more in the last period, as a machine is not always equally fast. It is never less, so
 * that nodes which carry less under the load are not spared.
 */
export async function sendTwice(
  lines: readonly LoadLine[],
  rates: readonly number[],
  forMs: number,
  say: (line: string) => void,
): Promise<readonly Paced[]> {
  const startedAt = performance.now()
  let [times, before] = [1, 0]
  for (let left: number = forMs; left > 0; left = startedAt + forMs - performance.now()) {
    const since = performance.now()
    const periodMs = Math.min(left, timing.periodMs)
    const paced = await Promise.all(lines.map((line, at) => line.pace(factor * times * (rates[at] ?? 0), periodMs)))
    const carried = ((doneOf(paced) - before) * 1_000) / (performance.now() - since)
    say(
      `${inSeconds(performance.now() - startedAt)}: ${(factor * times * sum(rates)).toFixed(0)} a second sent, ${carried.toFixed(0)} carried`,
    )
    before = doneOf(paced)
    times = Math.max(1, carried / sum(rates))
  }
  return Promise.all(lines.map((line) => line.settled()))
}

export const doneOf = (found: readonly (Measured | Paced)[]): number => sum(found.map(({ counts }) => counts.done))

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

const rateOf = (found: readonly Measured[]): number => sum(found.map(({ perSecond }) => perSecond))

const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(0)} s`
