import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** `npm run bench` runs all benches, one after the other; `npm run bench -- store replication --json FILE` some. What follows a flag goes to them. */
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
  .sort()

const args = process.argv.slice(2)
const firstFlag = args.findIndex((arg) => arg.startsWith('-'))
const asked = firstFlag === -1 ? args : args.slice(0, firstFlag)
const flags = firstFlag === -1 ? [] : args.slice(firstFlag)
const unknown = asked.filter((name) => !names.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`there is no bench called ${unknown.join(', ')}; there are ${names.join(', ')}\n`)
  process.exit(2)
}

/** A bench takes its servers down before it ends, so it is waited for. Of Ctrl-C it hears itself: the whole group does. */
let stopped = false
let stopBench = (): void => {}
process.on('SIGINT', () => (stopped = true))
process.on('SIGTERM', () => {
  stopped = true
  stopBench()
})

for (const name of asked.length > 0 ? asked : names) {
  if (stopped) break
  process.stdout.write(`\n# ${name}\n`)
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.bench.ts`), ...flags], { stdio: 'inherit' })
  stopBench = () => void child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) process.exitCode = 1
}
