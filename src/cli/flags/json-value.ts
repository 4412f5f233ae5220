import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { JsonBytes } from '#api/schemas.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'

/** What is JSON stays the bytes that it is; anything else, or what is said to be one, is a text. */
export function jsonOf(given: string, isText: boolean): JsonBytes {
  const json = isText || !isJson(given) ? JSON.stringify(given) : given.trim()
  return new TextEncoder().encode(json) as Uint8Array as JsonBytes
}

export function isJson(given: string): boolean {
  try {
    JSON.parse(given)
    return true
  } catch {
    // A text that is none.
    return false
  }
}

/** `@FILE` is what a file holds, `-` or nothing what standard input does, without the line break at its end. */
export async function contentOf(operand: string | undefined): Promise<string> {
  if (operand === undefined || operand === '-') return decoded(await buffer(process.stdin), 'standard input')
  if (!operand.startsWith('@')) return operand
  const name = `the file ${JSON.stringify(operand.slice(1))}`
  return decoded(await readFile(operand.slice(1)).catch((error: Error) => unreadable(name, error.message)), name)
}

function decoded(bytes: Uint8Array, from: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch {
    // The decoder only says that it is none.
    return unreadable(from, 'it is no text in UTF-8')
  }
}

function unreadable(from: string, why: string): never {
  throw new CommandError(exitCodes.usage, `${from} cannot be taken as a value: ${why}`)
}
