import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeOptions } from '#composition/node-options.ts'
import { runCommandLine } from '#cli/command-line.ts'
import { nodeCommand } from './node.ts'

const where = ['--id', 'a', '--listen', '127.0.0.1:8001']

async function optionsOf(args: readonly string[]): Promise<NodeOptions> {
  const seen = Promise.withResolvers<NodeOptions>()
  const command = nodeCommand((options) => {
    seen.resolve(options)
    return Promise.resolve({ type: 'stopped' })
  })
  await runCommandLine({ version: '1', summary: '', help: '', commands: [command] }, ['node', ...args])
  return seen.promise
}

test('a node serves locks unless told otherwise', async () => {
  equal((await optionsOf(where)).service, 'lock')
  equal((await optionsOf([...where, '--service', 'register'])).service, 'register')
  await rejects(optionsOf([...where, '--service', 'bank']), /--service must be lock or register; it is "bank"/)
})

test('decision L8: the locks have one slot', async () => {
  await rejects(optionsOf([...where, '--slots', '2']), /--slots must be 1 for locks/)
  equal((await optionsOf([...where, '--service', 'register', '--slots', '2'])).slots, 2)
})

test('the own address is one of the voters, and the list is the same on each of them', async () => {
  const join = '127.0.0.1:8003,127.0.0.1:8002'
  deepEqual((await optionsOf([...where, '--join', join])).voters, ['127.0.0.1:8001', '127.0.0.1:8002', '127.0.0.1:8003'])
  deepEqual((await optionsOf([...where, '--join', join, '--advertise', 'a:1'])).voters, ['127.0.0.1:8002', '127.0.0.1:8003', 'a:1'])
})

test('the lease of a leader is shorter than the shortest election time-out', async () => {
  const { timing } = await optionsOf([...where, '--election', '300-600', '--heartbeat', '50'])
  deepEqual(timing, { heartbeatMs: 50, electionMinMs: 300, electionMaxMs: 600, leaseMs: 270 })
  await rejects(optionsOf([...where, '--election', '299-600']), /--election must be min-max in milliseconds/)
})

test('every mistake is named at once, one of each flag', async () => {
  const args = [
    '--listen',
    'here',
    '--join',
    'a',
    '--slots',
    '0',
    '--secrt',
    'x',
    '--log-level',
    'loud',
    '--seeds',
    '--id',
    'b',
    '--id',
    'c',
  ]
  await rejects(optionsOf(args), ({ message }: Error) => {
    const lines = message.split('\n')
    for (const flag of ['listen', 'join', 'slots', 'secrt', 'log-level', 'seeds', 'id']) {
      equal(lines.filter((line) => line.startsWith(`--${flag} `)).length, 1, `${flag} in ${message}`)
    }
    match(message, /--seeds needs a value/)
    match(message, /--id is given twice/)
    return true
  })
})
