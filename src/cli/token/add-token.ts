import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { TokenEntry } from '#api/access/token-file.ts'
import { parseTokenFile } from '#api/access/token-file.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'

/** Adds an entry to a file of tokens, which nodes see as it was or as it is then, and never between. A new one is for its owner to read. */
export function addToken(path: string, entry: TokenEntry): void {
  const before = existsSync(path) ? readFileSync(path, 'utf8') : null
  const tokens = before === null ? [] : entriesIn(path, before)
  const text = `${JSON.stringify({ tokens: [...tokens, entry] }, null, 2)}\n`
  const read = parseTokenFile(text)
  if (!read.ok) throw new CommandError(exitCodes.refused, `${path} was left as it is: ${read.error.join('; ')}`)
  const beside = `${path}.new-${process.pid}`
  try {
    writeFileSync(beside, text, { mode: before === null ? 0o600 : statSync(path).mode, flag: 'wx' })
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw new CommandError(exitCodes.refused, `${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Its entries as they are written. */
function entriesIn(path: string, text: string): readonly unknown[] {
  const read = parseTokenFile(text)
  if (!read.ok) throw new CommandError(exitCodes.refused, `${path} has mistakes: ${read.error.join('; ')}`)
  return (JSON.parse(text) as { readonly tokens: readonly unknown[] }).tokens
}
