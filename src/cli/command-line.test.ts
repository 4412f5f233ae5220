import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError } from './command-error.ts'
import { runCommandLine } from './command-line.ts'
import { defineCommand, noOperands } from './command.ts'
import { required, text, toggle } from '#cli/flags/kinds.ts'

interface Seen {
  readonly flag: string
  readonly operands: readonly string[]
}

async function given(...args: readonly string[]): Promise<Seen> {
  const seen = Promise.withResolvers<Seen>()
  const flags = { flag: required(text('TEXT', '')), toggle: toggle('') }
  const common = { summary: '', help: '', flags }
  const run = (options: Seen): Promise<number> => {
    seen.resolve(options)
    return Promise.resolve(3)
  }
  const commands = [
    defineCommand({
      ...common,
      name: 'plain',
      operands: '',
      run,
      read: ({ flag }, operands, mistakes) => {
        noOperands(operands, mistakes)
        return { flag, operands }
      },
    }),
    defineCommand({
      ...common,
      name: 'wrapper',
      operands: 'COMMAND',
      passesOn: true,
      run,
      read: ({ flag }, operands) => ({ flag, operands }),
    }),
  ]
  equal(await runCommandLine({ version: '1', summary: '', help: '', commands }, args), 3)
  return seen.promise
}

const wrong = (pattern: RegExp) => (error: unknown) => {
  equal(error instanceof CommandError && error.exitCode, 2)
  match((error as Error).message, pattern)
  return true
}

test('a value may follow its flag or an equals sign', async () => {
  equal((await given('plain', '--flag', 'a')).flag, 'a')
  equal((await given('plain', '--toggle', '--flag=--b')).flag, '--b')
})

test('all mistakes are told at once', async () => {
  await rejects(
    given('plain', '--flg', 'a', 'b', '--toggle=x'),
    wrong(/^--flg is .*\n--toggle=x is .*\n--flag must be given.*\n"a" .*\n"b" .*\nsee: lockstep plain --help$/),
  )
  await rejects(given('plain', '--flag'), wrong(/^--flag needs a value: TEXT\n/))
  await rejects(given('plain', '--flag', '--toggle'), wrong(/^--flag needs a value: TEXT\n/))
})

test('the flags of a command that is run are its own', async () => {
  const command = ['ls', '--flag', '-l', '--', '--help']
  deepEqual(await given('wrapper', '--flag', 'a', '--', ...command), { flag: 'a', operands: command })
  deepEqual(await given('wrapper', '--flag', 'a', ...command), { flag: 'a', operands: command })
  await rejects(given('wrapper', '--flg', 'a', '--', 'ls'), wrong(/^--flg is not a flag of lockstep wrapper\n--flag must be given/))
})

test('an unknown command is a mistake, with what may have been meant', async () => {
  await rejects(given('plian'), wrong(/^unknown command 'plian' \(Did you mean plain\?\)\nsee: lockstep --help$/))
})
