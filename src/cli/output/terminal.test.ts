import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

const terminal = join(import.meta.dirname, 'terminal.ts')
const lines = 20_000

test('nothing that was printed is lost at the end, however late it is read', async () => {
  const program = `
    import { errorScreen, printed, screen } from ${JSON.stringify(terminal)}
    for (let at = 0; at < ${lines}; at++) screen.print('a line\\n')
    errorScreen.print('all is said')
    await printed()
    process.exit()
  `
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'pipe'] })
  await once(child.stderr, 'data')
  assert.equal((await text(child.stdout)).split('\n').length - 1, lines)
})
