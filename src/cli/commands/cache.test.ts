import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { cacheCommand } from './cache.ts'

/** What is wrong with a command line. */
function mistakesOf(given: Readonly<Record<string, string | null>>, ...operands: readonly string[]): readonly string[] {
  const mistakes: string[] = []
  const found = new Map(Object.entries(given).map(([name, value]) => [name, [value]]))
  cacheCommand.prepare(found, operands, mistakes)
  return mistakes
}

test('each verb takes its own flags and operands', () => {
  const good: readonly (readonly [Record<string, string | null>, ...string[]])[] = [
    [{ text: null }, 'get', 'k'],
    [{ ttl: '1h', 'if-version': '1.2.3' }, 'set', 'k', 'a value'],
    [{ ack: 'owner', text: null }, 'set', 'k', 'a value'],
    [{ 'if-absent': null }, 'set', 'k'],
    [{ ttl: '1s' }, 'cas', 'k', 'old', 'new'],
    [{ 'if-version': '1.2.3' }, 'del', 'k'],
    [{}, 'incr', 'k'],
    [{}, 'incr', 'k', '-5'],
    [{ text: null, max: '3' }, 'watch', 'k'],
    [{}, 'batch'],
    [{ prefix: 'u', limit: '5', after: 'k', node: 'n' }, 'lines'],
    [{ prefix: 'u', node: 'n', max: '5' }, 'bus'],
  ]
  for (const [given, ...operands] of good) deepEqual(mistakesOf({ json: null, ...given }, ...operands), [], operands.join(' '))
})

test('all that is wrong with a verb is told at once', () => {
  const verbs = 'the VERB must be one of get, set, cas, del, incr, watch, batch, lines, bus'
  deepEqual(mistakesOf({}), [verbs])
  deepEqual(mistakesOf({}, 'put', 'k'), [verbs])
  deepEqual(mistakesOf({}, 'cas', 'k'), ['the EXPECTED must be given'])
  deepEqual(mistakesOf({ limit: '100', ttl: '100ms', 'if-absent': null }, 'get', 'k', 'v'), [
    'get has no use for "v": quote a value with spaces',
    '--ttl is not for get',
    '--if-absent is not for get',
    '--limit is not for get',
  ])
  deepEqual(mistakesOf({ 'if-version': '1.2.3', 'if-absent': null }, 'set', 'k'), ['--if-absent and --if-version exclude each other'])
  deepEqual(mistakesOf({ ack: 'owner', ttl: '1h', 'if-absent': null }, 'set', 'k'), [
    '--ack owner and --ttl exclude each other',
    '--ack owner and --if-absent exclude each other',
  ])
  deepEqual(mistakesOf({ ack: 'owner' }, 'cas', 'k', 'old'), ['--ack is not for cas'])
  deepEqual(mistakesOf({ 'if-version': 'seven' }, 'del', 'k'), ['--if-version must be a version, as set prints it; it is "seven"'])
})

test('a key that no call could carry is refused before anything is asked', () => {
  for (const key of ['', 'a\nb', 'x'.repeat(1_025), '\ud800'])
    deepEqual(mistakesOf({}, 'get', key), ['a KEY has 1 to 1024 bytes without control characters'])
  deepEqual(mistakesOf({}, 'get', '..'), ['no url keeps the KEY "..": batch takes it'])
  deepEqual(mistakesOf({}, 'get', 'a/../ü b'), [])
})

test('what is added is an integer that a program holds exactly', () => {
  for (const by of ['0.5', 'x', '9007199254740993', '1e3', '']) deepEqual(mistakesOf({}, 'incr', 'k', by), ['BY must be an integer'])
})
