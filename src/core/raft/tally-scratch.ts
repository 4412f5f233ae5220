import { readFileSync, writeFileSync, rmSync } from 'node:fs'
const src = readFileSync(new URL('./random-schedule.test.ts', import.meta.url), 'utf8')
const cut = src.slice(0, src.indexOf("test('no random"))
writeFileSync(new URL('./tally-scratch2.ts', import.meta.url), cut + `
const tally = new Map()
for (let seed = ${process.argv[2]}; seed < ${process.argv[3]}; seed++) {
  try { runSeed(seed) } catch (error) {
    const c = (error as any).cause; const key = (c.message as string).split('\\n')[0] + ' @ ' + (c.stack.split('\\n').find((l: string) => l.includes('core/raft/') && !l.includes('testkit') ) ?? '').trim().replace(/file:.*raft./, '')
    tally.set(key, [...(tally.get(key) ?? []), seed])
  }
}
for (const [k, v] of tally) console.log(v.length, k, v.slice(0, 5).join(','))
console.log('done')
`)
await import('./tally-scratch2.ts')
rmSync(new URL('./tally-scratch2.ts', import.meta.url))
