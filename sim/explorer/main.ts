import process from 'node:process'
import { parseArgs } from 'node:util'
import { choreConfigurations, configurations, longConfigurations, ruleConfigurations } from './configurations.ts'
import { explore } from './explore.ts'

/** `npm run explore`: every state of small caches, with what was seen on the way. */
const { values: options } = parseArgs({ options: { only: { type: 'string' }, states: { type: 'string' } } })

const list = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, times]) => `${name} ${times}`)
    .join(', ')

for (const configuration of [...configurations, ...choreConfigurations, ...ruleConfigurations, ...longConfigurations]) {
  if (options.only !== undefined && configuration.name !== options.only) continue
  const begun = performance.now()
  const found = explore(configuration, { statesMax: Number(options.states ?? Infinity) })
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  console.log(
    `${configuration.name}: ${found.states} states, ${found.steps} steps, depth ${found.depth}, ${found.ends} ends, ${seconds} s${found.isCut ? ', not all' : ''}`,
  )
  console.log(`  edges: ${list(found.edges)}`)
  console.log(`  messages: ${list(found.messages)}`)
  if (found.counterexample === null) continue
  console.log(`  broken: ${found.counterexample.broken}`)
  for (const line of found.counterexample.trace) console.log(`    ${line}`)
  process.exitCode = 1
}
