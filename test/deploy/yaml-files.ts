import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'

const root = join(import.meta.dirname, '..', '..')

export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

/** A file of the repository as it is written, with its anchors and merged maps resolved. */
export const yamlOf = (path: string): unknown => parse(textOf(path), { merge: true })
/** The documents of a file, those between `---`. */
export const documentsOf = (path: string): readonly unknown[] =>
  parseAllDocuments(textOf(path)).map((document) => document.toJS() as unknown)
