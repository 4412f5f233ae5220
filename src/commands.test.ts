import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { commandsFor } from './commands.ts'

const namesFor = async (...args: string[]): Promise<readonly string[]> => (await commandsFor(args)).map(({ name }) => name)

test('a command is found by its name, and loaded without the others', async () => {
  for (const name of await namesFor()) deepEqual(await namesFor(name, '--help'), [name])
})

test('help, flags, and what is no command load all of them', async () => {
  const all = await namesFor()
  for (const first of ['help', '--help', '--version', 'staus', 'constructor', '']) deepEqual(await namesFor(first), all)
})
