import {
  closeSync,
  existsSync,
  fchmodSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { TokenEntry } from '#api/access/token-file.ts'
import { parseTokenFile } from '#api/access/token-file.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'

/**
 * Adds an entry to a file of tokens, which nodes see as it was or as it is then, and never between. A new one is for its owner to read. The draft
 * beside it is there for one process at a time, which reads the file only then: what another one adds meanwhile is not lost.
 */
export async function addToken(given: string, entry: TokenEntry): Promise<void> {
  // The file itself, and not a link to it, which nodes may know it by another name than.
  const path = existsSync(given) ? realpathSync(given) : given
  const draft = `${path}.new`
  const descriptor = await begin(draft)
  try {
    const before = existsSync(path) ? readFileSync(path, 'utf8') : null
    writeFileSync(descriptor, withEntry(path, before, entry))
    if (before !== null) fchmodSync(descriptor, statSync(path).mode)
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error instanceof CommandError ? error : unwritable(path, error)
  } finally {
    closeSync(descriptor)
  }
}

/** Makes the draft, or waits for whoever is at work on it: that takes no time, so an old one is what a crash has left. */
async function begin(draft: string): Promise<number> {
  for (;;) {
    try {
      return openSync(draft, 'wx', 0o600)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw unwritable(draft, error)
      if (ageMs(draft) > abandonedMs) rmSync(draft, { force: true })
      await delay(againMs)
    }
  }
}

const abandonedMs = 5_000
const againMs = 20

/** Of a file that may be gone by now. */
const ageMs = (path: string): number => Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())

function withEntry(path: string, before: string | null, entry: TokenEntry): string {
  const tokens = before === null ? [] : entriesIn(path, before)
  const text = `${JSON.stringify({ tokens: [...tokens, entry] }, null, 2)}\n`
  const read = parseTokenFile(text)
  if (!read.ok) throw new CommandError(exitCodes.refused, `${path} was left as it is: ${read.error.join('; ')}`)
  return text
}

/** Its entries as they are written. */
function entriesIn(path: string, text: string): readonly unknown[] {
  const read = parseTokenFile(text)
  if (!read.ok) throw new CommandError(exitCodes.refused, `${path} has mistakes: ${read.error.join('; ')}`)
  return (JSON.parse(text) as { readonly tokens: readonly unknown[] }).tokens
}

const unwritable = (path: string, error: unknown): CommandError =>
  new CommandError(exitCodes.refused, `${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`)

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : null)
