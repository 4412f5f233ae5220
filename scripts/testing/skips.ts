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

export const readAllowedSkips = (path: string): ReadonlySet<string> => parseAllowedSkips(readFileSync(path, 'utf8'))
