import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import { Prng } from '#base/prng.ts'
import { overloadLimits } from './limits.ts'
import { Shedder } from './shedder.ts'

const limits = overloadLimits.commands

interface Second {
  readonly taken: number
  readonly shed: number
  readonly done: number
  /** Of what was done in it. */
  readonly longestMs: number
}

interface Load {
  /** Pieces of work that come in a second. */
  readonly perSecond: number
  readonly seconds: number
}

/** One line of work, of which so much is done in a second, in virtual time. */
function line(carried: number, loads: readonly Load[], shedder = new Shedder(limits, new Prng(7))): readonly Second[] {
  const waiting: number[] = []
  const seconds: Second[] = []
  let [now, owed, credit] = [0, 0, 0]
  for (const { perSecond, seconds: length } of loads) {
    for (let second = 0; second < length; second++) {
      let [taken, shed, done, longestMs] = [0, 0, 0, 0]
      const come = (): void => {
        if (shedder.refuses(waiting.length, millis(now))) {
          shed++
          return
        }
        taken++
        waiting.push(now)
      }
      for (let ms = 0; ms < 1_000; ms++) {
        now++
        for (owed += perSecond / 1_000; owed >= 1; owed--) come()
        credit = waiting.length === 0 ? 0 : credit + carried / 1_000
        for (; credit >= 1 && waiting.length > 0; credit--) {
          const waitedMs = now - (waiting.shift() ?? now)
          shedder.waited(waitedMs, millis(now))
          longestMs = Math.max(longestMs, waitedMs)
          done++
        }
      }
      seconds.push({ taken, shed, done, longestMs })
    }
  }
  return seconds
}

const sumOf = (seconds: readonly Second[], of: keyof Second): number => seconds.reduce((sum, second) => sum + second[of], 0)

test('what is carried is never shed, however much of it comes', () => {
  for (const share of [0.1, 0.5, 0.9, 0.99]) {
    equal(sumOf(line(1_000, [{ perSecond: 1_000 * share, seconds: 20 }]), 'shed'), 0)
  }
})

for (const times of [1.2, 2, 5]) {
  test(`under ${times} times what is carried, waits stay near the target and as much is done as can be`, () => {
    const seconds = line(1_000, [{ perSecond: 1_000 * times, seconds: 60 }])
    const settled = seconds.slice(10)
    ok(sumOf(settled, 'done') >= 0.98 * 1_000 * settled.length, `${sumOf(settled, 'done')} done`)
    const longest = Math.max(...settled.map(({ longestMs }) => longestMs))
    ok(longest < 3 * limits.targetMs, `one waited for ${longest} ms`)
    // Also while it is not settled yet.
    ok(Math.max(...seconds.map(({ longestMs }) => longestMs)) < 6_000)
  })
}

test('a burst that is over soon is carried out whole', () => {
  const seconds = line(1_000, [
    { perSecond: 500, seconds: 3 },
    { perSecond: 1_150, seconds: 1 },
    { perSecond: 500, seconds: 3 },
  ])
  equal(sumOf(seconds, 'shed'), 0)
})

test('after an overload everything is taken again within three seconds', () => {
  const seconds = line(1_000, [
    { perSecond: 2_000, seconds: 30 },
    { perSecond: 500, seconds: 10 },
  ])
  deepEqual(
    seconds.slice(33).map(({ shed }) => shed),
    [0, 0, 0, 0, 0, 0, 0],
  )
})

test('one long wait after a silence says nothing, and a silence ends what was heard before it', () => {
  const shedder = new Shedder({ ...limits, forgetMs: 1_000 }, new Prng(1))
  shedder.waited(5_000, millis(10_000))
  shedder.waited(5_000, millis(20_000))
  equal(shedder.share, 0)
  for (let now = 20_000; now <= 23_000; now += 50) shedder.waited(5_000, millis(now))
  equal(shedder.share, limits.shareMax)
  equal(shedder.refuses(1_000, millis(24_000)), false)
  equal(shedder.share, 0)
})

test('among many long waits a single short one shows that there is no line', () => {
  const shedder = new Shedder(limits, new Prng(1))
  for (let now = 0; now < 5_000; now += 10) shedder.waited(now % 100 === 50 ? 1 : 2_000, millis(now))
  equal(shedder.share, 0)
})

test('some of the new work is taken whatever happens', () => {
  const shedder = new Shedder(limits, new Prng(3))
  for (let now = 0; now < 10_000; now += 10) shedder.waited(60_000, millis(now))
  const refused = Array.from({ length: 1_000 }, () => shedder.refuses(1_000, millis(10_000))).filter(Boolean).length
  ok(refused > 900 && refused < 1_000, `${refused} of 1000 refused`)
})

test('with little under way nothing is refused; with long waits it takes less to be too much', () => {
  for (const [standing, free] of [
    [250, 51.2],
    [1_000, 12.8],
    [60_000, limits.openFreeMin],
  ] as const) {
    const shedder = new Shedder(limits, new Prng(3))
    for (let now = 0; now < 30_000; now += 10) shedder.waited(standing, millis(now))
    const refused = (open: number): number =>
      Array.from({ length: 500 }, () => shedder.refuses(open, millis(30_000))).filter(Boolean).length
    equal(refused(Math.ceil(free) - 1), 0)
    ok(refused(Math.ceil(free)) > 0)
  }
})

test('also where only ten pieces of work are done in a second nobody waits for many seconds', () => {
  const seconds = line(10, [{ perSecond: 20, seconds: 120 }])
  const settled = seconds.slice(20)
  ok(sumOf(settled, 'done') >= 0.95 * 10 * settled.length, `${sumOf(settled, 'done')} done`)
  ok(Math.max(...settled.map(({ longestMs }) => longestMs)) < 3_000)
})
