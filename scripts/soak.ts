import { parseArgs } from 'node:util'
import { recoversInTime, runLeaderKills, summaryLine, summaryOf } from '#test/harness/leader-kills.ts'

/** `npm run soak -- --kills 200`: the leader of three real nodes is killed under load, again and again. See docs/testing.md. */
const { values: options } = parseArgs({ options: { kills: { type: 'string', default: '200' } } })
const kills = Number(options.kills)
if (!Number.isInteger(kills) || kills < 1) throw new Error(`--kills must be a number from 1 on; it is ${options.kills}`)

const outcome = await runLeaderKills(kills, ({ kill, victim, recoveryMs, caughtUpMs }) => {
  console.log(`kill ${kill} of ${kills}: ${victim}, recovered in ${recoveryMs.toFixed(0)} ms, caught up after ${caughtUpMs.toFixed(0)} ms`)
})
const recoveries = outcome.kills.map(({ recoveryMs }) => recoveryMs)
const { acknowledged, unknown, refused } = outcome.totals
const inTime = recoversInTime(recoveries)
console.log(`recovery: ${summaryLine(summaryOf(recoveries))}${inTime ? '' : ': too slow'}`)
console.log(`caught up: ${summaryLine(summaryOf(outcome.kills.map(({ caughtUpMs }) => caughtUpMs)))}`)
console.log(`${acknowledged} commands acknowledged, ${unknown} unknown, ${refused} refused`)
for (const line of outcome.wrong) console.log(`BROKEN: ${line}`)
if (outcome.wrong.length === 0) console.log('nothing acknowledged was lost, nothing was done twice')
process.exitCode = outcome.wrong.length === 0 && inTime ? 0 : 1
