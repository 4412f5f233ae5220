import { deepEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError } from './command-error.ts'
import { linesOf } from './input-lines.ts'

async function* inParts(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const linesIn = (text: string | Uint8Array, size: number): Promise<string[]> =>
  Array.fromAsync(linesOf(inParts(typeof text === 'string' ? new TextEncoder().encode(text) : text, size)))

test('lines are told apart however the bytes come, and the last one needs no end', async () => {
  for (const size of [1, 2, 3, 100]) {
    deepEqual(await linesIn('eins\r\nzwölf\n\n€', size), ['eins', 'zwölf', '', '€'])
    deepEqual(await linesIn('a\n', size), ['a'])
    deepEqual(await linesIn('', size), [])
  }
})

test('bytes that are no text are refused, and come out as nothing else', async () => {
  for (const bytes of [Uint8Array.of(0xff, 0xfe, 10), Uint8Array.of(97, 10, 0xe2, 0x82)])
    await rejects(linesIn(bytes, 1), (error) => error instanceof CommandError && /no text in UTF-8/.test(error.message))
})
