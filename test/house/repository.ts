import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')

const generated = new Set(['.git', 'node_modules', '.lockstep', 'coverage', '.bench', 'dist'])

/** Paths of all files that belong to the repository, from its root, with `/`. */
export function repositoryFiles(): readonly string[] {
  const files: string[] = []
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (generated.has(entry.name)) continue
      if (entry.isDirectory()) walk(path)
      else files.push(relative(root, path))
    }
  }
  walk(root)
  return files.filter((path) => !path.endsWith('.log')).toSorted()
}

export const readText = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Path to text. */
export function readAll(paths: readonly string[]): ReadonlyMap<string, string> {
  return new Map(paths.map((path) => [path, readText(path)]))
}
