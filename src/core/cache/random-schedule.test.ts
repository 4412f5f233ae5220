import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { test } from 'node:test'
import { RandomSchedule, nothingDone } from '#sim/cache/random-schedule.ts'

const schedules = Number(process.env['CACHE_SCHEDULES'] ?? 400)
const onlySeed = process.env['CACHE_SEED']
const firstSeed = Number(process.env['CACHE_FIRST_SEED'] ?? 1)

/** A failing run prints its seed: `CACHE_SEED=<seed> node --test src/core/cache/random-schedule.test.ts` repeats it alone. */
test('random schedules: whatever is lost, doubled and late, nobody reads a stale value and everything ends', () => {
  const total = nothingDone()
  let undecided = 0
  const begun = performance.now()
  const seeds = onlySeed === undefined ? Array.from({ length: schedules }, (_, at) => firstSeed + at) : [Number(onlySeed)]
  for (const seed of seeds) {
    const schedule = new RandomSchedule(seed)
    if (onlySeed !== undefined) schedule.world.trace = []
    try {
      schedule.run(200)
    } catch (cause) {
      console.log((schedule.world.trace ?? []).slice(-60).join('\n'))
      throw new Error(`CACHE_SEED=${seed}: ${String(cause)}`, { cause })
    }
    if (schedule.undecided) undecided++
    for (const what of Object.keys(total) as (keyof typeof total)[]) total[what] += schedule.done[what]
  }
  console.log(
    `${seeds.length} schedules in ${Math.round(performance.now() - begun)} ms, ${undecided} histories undecided: ${JSON.stringify(total)}`,
  )
  assert.ok(undecided <= seeds.length / 50, 'nearly all histories are decided')
  if (onlySeed === undefined) for (const [what, count] of Object.entries(total)) assert.ok(count > 0, `the schedules exercise ${what}`)
})
