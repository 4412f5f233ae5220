import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { browserModule, withoutTypes } from './browser-module.ts'

/** What the page is made of. */
export interface ConsoleFiles {
  /** Names these very files. */
  readonly build: string
  readonly files: ReadonlyMap<string, Buffer>
}

/** The module that a browser begins with. */
export const entryFile = 'console-page-main.js'
const entry = 'console/page/main.ts'
const styles = 'console/page'

/** In a clone the files are made of the sources; the package has them ready. */
export function consoleFiles(): ConsoleFiles {
  const beside = join(import.meta.dirname, '..', '..')
  return import.meta.filename.endsWith('.ts') ? gatherFiles(beside) : readFiles(join(beside, 'console'))
}

/** Follows the imports from the entry; `sources` is the folder of all sources. */
export function gatherFiles(sources: string): ConsoleFiles {
  const files = new Map<string, Buffer>()
  const waiting = [entry]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const name = fileName(path)
    if (files.has(name)) continue
    const importer = path
    const text = isOurs(path)
      ? withoutTypes(readFileSync(join(sources, path), 'utf8'))
      : readFileSync(fileURLToPath(import.meta.resolve(path)), 'utf8')
    const module = browserModule(text, (specifier) => fileName(targetOf(importer, specifier)))
    files.set(name, Buffer.from(`${module.text}\n`))
    waiting.push(...module.imports.map((specifier) => targetOf(importer, specifier)))
  }
  for (const name of readdirSync(join(sources, styles)))
    if (types.has(extname(name)) && extname(name) !== '.js') files.set(name, readFileSync(join(sources, styles, name)))
  return { build: buildOf(files), files }
}

function readFiles(folder: string): ConsoleFiles {
  const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]))
  return { build: buildOf(files), files }
}

function buildOf(files: ReadonlyMap<string, Buffer>): string {
  const hash = createHash('sha256')
  for (const name of [...files.keys()].toSorted())
    hash
      .update(`${name}\0`)
      .update(files.get(name) ?? '')
      .update('\0')
  return hash.digest('hex').slice(0, 16)
}

const isOurs = (path: string): boolean => path.endsWith('.ts')

function targetOf(importer: string, specifier: string): string {
  if (specifier.startsWith('./')) return posix.join(posix.dirname(importer), specifier)
  return specifier.startsWith('#') ? specifier.slice(1) : specifier
}

/** One flat folder, so that every import is of a neighbour. */
const fileName = (path: string): string => `${path.replace(/\.ts$/, '').replaceAll('/', '-')}.js`

const types = new Map([
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
])

export const typeOf = (file: string): string => types.get(extname(file)) ?? 'application/octet-stream'
