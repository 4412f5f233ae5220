import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { test } from 'node:test'
import { nothingDone, runSchedule } from '#sim/cache/random-schedule.ts'

const schedules = Number(process.env['CACHE_SCHEDULES'] ?? 400)
const onlySeed = process.env['CACHE_SEED']
const firstSeed = Number(process.env['CACHE_FIRST_SEED'] ?? 1)

/** A failing run tells its seed and its last steps: `CACHE_SEED=<seed> node --test src/core/cache/random-schedule.test.ts` repeats it alone. */
test('random schedules: whatever is lost, doubled and late, nobody reads a stale value and everything ends', () => {
  const total = nothingDone()
  let undecided = 0
  const begun = performance.now()
  const seeds = onlySeed === undefined ? Array.from({ length: schedules }, (_, at) => firstSeed + at) : [Number(onlySeed)]
  for (const seed of seeds) {
    const schedule = runSchedule(seed)
    if (schedule.undecided) undecided++
    for (const what of Object.keys(total) as (keyof typeof total)[]) total[what] += schedule.done[what]
  }
  console.log(
    `${seeds.length} schedules in ${Math.round(performance.now() - begun)} ms, ${undecided} histories undecided: ${JSON.stringify(total)}`,
  )
  assert.ok(undecided <= seeds.length / 50, 'nearly all histories are decided')
  if (onlySeed === undefined) for (const [what, count] of Object.entries(total)) assert.ok(count > 0, `the schedules exercise ${what}`)
})

test('a random schedule that fails tells its seed and its last steps', () => {
  const homesForgetLeasesThatLive = { marginMs: -400 }
  const run = (): void => {
    for (let seed = 1; seed <= 50; seed++) runSchedule(seed, homesForgetLeasesThatLive)
  }
  assert.throws(run, (error) => {
    const [first = '', ...steps] = String(error).split('\n')
    assert.match(first, /CACHE_SEED=\d+: AssertionFailure: /)
    assert.ok(steps.length > 20 && steps.some((step) => /home ← a\d+ #\d+ . BusRd/.test(step)))
    assert.ok(first.endsWith(steps.at(-1) ?? ''), 'the last step is the one that fails')
    return true
  })
})
