import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Flag } from './flag.ts'
import { valuesOf } from './flag.ts'
import { choice, duration, integer, required, setting, text, toggle, urls, withDefault } from './kinds.ts'

const fallback = () => ({ name: 'THE_URLS', texts: ['http://a:1'] })

function read<T>(flag: Flag<T>, ...texts: readonly (string | null)[]): { readonly value: T; readonly mistakes: readonly string[] } {
  const mistakes: string[] = []
  const { it: value } = valuesOf({ it: flag }, new Map([['it', texts]]), mistakes)
  return { value, mistakes }
}

test('nodes are named by their urls, a scheme is not needed, and none is asked twice', () => {
  const flag = urls('', fallback)
  deepEqual(read(flag, '127.0.0.1:8001,http://b:2/', 'https://c', 'http://b:2'), {
    value: ['http://127.0.0.1:8001', 'http://b:2', 'https://c'],
    mistakes: [],
  })
  deepEqual(read(flag).value, ['http://a:1'])
  for (const wrong of ['ftp://x', 'http://x/path', 'http://', 'a b', 'http://u@x', ',']) equal(read(flag, wrong).mistakes.length, 1, wrong)
})

test('a mistake in the environment names the variable', () => {
  const flag = urls('', () => ({ name: 'THE_URLS', texts: ['ftp://x'] }))
  deepEqual(read(flag).mistakes, ['THE_URLS must be urls of nodes, such as http://127.0.0.1:8001; wrong: "ftp://x"'])
})

test('a number and a length of time have bounds', () => {
  equal(read(integer('N', '', { min: 1, max: 5 }), '5').value, 5)
  for (const wrong of ['0', '6', '-1', '1.5', 'x', '1e1'])
    equal(read(integer('N', '', { min: 1, max: 5 }), wrong).mistakes.length, 1, wrong)
  equal(read(duration('D', '', { min: 0, max: Infinity }), '90m').value, 5_400_000)
  deepEqual(read(duration('D', '', { min: 4_000, max: 60_000 }), '3s').mistakes, [
    '--it must be a length of time such as 500ms, 10s or 1m, from 4s to 1m; it is "3s"',
  ])
})

test('what is left out is the default, and what must not be is a mistake', () => {
  equal(read(withDefault(duration('D', '', { min: 0, max: 9 }), 7)).value, 7)
  equal(read(choice('C', '', ['x', 'y'])).value, 'x')
  equal(read(toggle('')).value, false)
  equal(read(text('T', '')).value, undefined)
  deepEqual(read(required(text('T', ''))).mistakes, ['--it must be given: T'])
})

test('a flag without its value, and one that is given twice, are mistakes of their own', () => {
  deepEqual(read(text('T', ''), null).mistakes, ['--it needs a value: T'])
  deepEqual(read(required(text('T', '')), '').mistakes, ['--it needs a value: T'])
  deepEqual(read(text('T', ''), 'a', 'b').mistakes, ['--it is given twice'])
  deepEqual(read(toggle(''), null, null), { value: true, mistakes: [] })
})

test('what is only there or not on the command line needs a word elsewhere that says which', () => {
  const flag = setting('')
  equal(read(flag).value, false)
  equal(read(flag, null, null).value, true)
  const said = (word: string): readonly [boolean, number] => {
    const mistakes: string[] = []
    return [flag.read({ name: 'IT', texts: [word] }, mistakes), mistakes.length]
  }
  for (const word of ['true', 'TRUE', 'yes', '1']) deepEqual(said(word), [true, 0], word)
  for (const word of ['false', 'no', '0']) deepEqual(said(word), [false, 0], word)
  for (const word of ['', 'on', 'maybe']) deepEqual(said(word), [false, 1], word)
})
