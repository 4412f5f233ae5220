import { parseArgs } from 'node:util'
import { recoversInTime, runLeaderKills, summaryLine, summaryOf } from '#test/harness/leader-kills.ts'
import { services } from '#test/harness/nine-nodes.ts'
import { runOverload } from '#scripts/soak/overload.ts'

/**
 * `npm run soak -- --kills 200`: the leader of three real nodes is killed under load, again and again.
 * `npm run soak -- --overload --minutes 15`: nine real nodes get twice the load that they can carry. See docs/reliability.md.
 */
const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    overload: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '15' },
    services: { type: 'string', default: services.join(',') },
  },
})

const kept = options.overload ? await soakUnderOverload(options.minutes, options.services.split(',')) : await soakUnderKills(options.kills)
process.exitCode = kept ? 0 : 1

async function soakUnderKills(given: string): Promise<boolean> {
  const kills = Number(given)
  if (!Number.isInteger(kills) || kills < 1) throw new Error(`--kills must be a number from 1 on; it is ${given}`)
  const outcome = await runLeaderKills(kills, ({ kill, victim, recoveryMs, caughtUpMs }) => {
    console.log(
      `kill ${kill} of ${kills}: ${victim}, recovered in ${recoveryMs.toFixed(0)} ms, caught up after ${caughtUpMs.toFixed(0)} ms`,
    )
  })
  const recoveries = outcome.kills.map(({ recoveryMs }) => recoveryMs)
  const { acknowledged, unknown, refused } = outcome.totals
  const inTime = recoversInTime(recoveries)
  console.log(`recovery: ${summaryLine(summaryOf(recoveries))}${inTime ? '' : ': too slow'}`)
  console.log(`caught up: ${summaryLine(summaryOf(outcome.kills.map(({ caughtUpMs }) => caughtUpMs)))}`)
  console.log(`${acknowledged} commands acknowledged, ${unknown} unknown, ${refused} refused`)
  for (const line of outcome.wrong) console.log(`BROKEN: ${line}`)
  if (outcome.wrong.length === 0) console.log('nothing acknowledged was lost, nothing was done twice')
  return outcome.wrong.length === 0 && inTime
}

async function soakUnderOverload(given: string, named: readonly string[]): Promise<boolean> {
  const minutes = Number(given)
  if (!(minutes > 0)) throw new Error(`--minutes must be a number above 0; it is ${given}`)
  const { wrong } = await runOverload({
    seconds: minutes * 60,
    services: services.filter((service) => named.includes(service)),
    say: (line) => console.log(line),
  })
  for (const line of wrong) console.log(`BROKEN: ${line}`)
  if (wrong.length === 0) console.log('memory stayed flat, only load was shed, no lock was lost, and everything went on in time')
  return wrong.length === 0
}
