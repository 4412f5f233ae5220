import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recoversInTime, runLeaderKills, summaryLine, summaryOf } from '#test/harness/leader-kills.ts'

/** Every kill waits for a process that starts. */
const timeout = 110_000

test(
  'killing the leader under load loses nothing acknowledged, does nothing twice, and another answers in time',
  { timeout },
  async (t) => {
    const { kills, totals, wrong } = await runLeaderKills(10, () => {})
    const recoveries = kills.map(({ recoveryMs }) => recoveryMs)
    t.diagnostic(`recovery: ${summaryLine(summaryOf(recoveries))} (${recoveries.map((value) => value.toFixed(0)).join(', ')})`)
    t.diagnostic(`caught up after: ${summaryLine(summaryOf(kills.map(({ caughtUpMs }) => caughtUpMs)))}`)
    t.diagnostic(`${totals.acknowledged} acknowledged, ${totals.unknown} unknown, ${totals.refused} refused`)
    assert.deepEqual(wrong, [])
    assert.equal(kills.length, 10)
    assert.ok(recoversInTime(recoveries), `recovery took ${recoveries.join(', ')} ms`)
  },
)
