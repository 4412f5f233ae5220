import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { consoleOf } from './console.ts'

test('the page may kill nodes of `up`, but not where tokens are asked for', (context) => {
  const token = 'a'.repeat(32)
  const before = process.env['LOCKSTEP_CONSOLE_CONTROL']
  context.after(() => {
    if (before === undefined) delete process.env['LOCKSTEP_CONSOLE_CONTROL']
    else process.env['LOCKSTEP_CONSOLE_CONTROL'] = before
  })
  process.env['LOCKSTEP_CONSOLE_CONTROL'] = `http://127.0.0.1:5000#${token}`
  const options = { address: '127.0.0.1:8001', listen: { host: '127.0.0.1', port: 8001 }, consolePeers: [] }
  const controlWith = (tokens: string | null) =>
    consoleOf({ ...options, access: { tokens, ratePerSecond: null, connectionsPerAddress: 1 } }).control
  deepEqual(controlWith(null), { url: 'http://127.0.0.1:5000', token })
  equal(controlWith('tokens.json'), null)
})
