import { readFileSync } from 'node:fs'
import type { Skip } from './file-log.ts'

/** Lines of `file › test name`; empty lines and those that start with `#` explain. */
export function parseAllowedSkips(text: string): ReadonlySet<string> {
  return new Set(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#')),
  )
}

export function unlistedSkips(skips: readonly Skip[], allowed: ReadonlySet<string>): readonly string[] {
  return skips.map(({ file, name }) => `${file} › ${name}`).filter((line) => !allowed.has(line))
}

/** One line for each thing that is missing, and not for each test that misses it. */
export function skipLines(skips: readonly Skip[]): readonly string[] {
  return [...Map.groupBy(skips, ({ reason }) => reason)].map(
    ([reason, { length }]) => `skipped ${length} ${length === 1 ? 'test' : 'tests'}: ${reason}`,
  )
}

export const readAllowedSkips = (path: string): ReadonlySet<string> => parseAllowedSkips(readFileSync(path, 'utf8'))
