import { globSync } from 'node:fs'
import { join } from 'node:path'

const folders = '{src,sim,test,bench,scripts}'

export function testFiles(root: string): readonly string[] {
  return globSync(`${folders}/**/*.test.ts`, { cwd: root })
    .toSorted()
    .map((path) => join(root, path))
}
