import { dirname, posix } from 'node:path'
import type { ImportStatement } from './imports.ts'
import { importsOf } from './imports.ts'

interface Layer {
  /** Files and folders below that it may use. A folder stands for what it contains; its own files are always allowed. */
  readonly uses: readonly string[]
  /** What it may use only as types, or from a `types.ts`, which holds types and the constructors of their brands. */
  readonly types?: readonly string[]
  /** Packages and `node:*`; `*` is any. */
  readonly packages?: readonly string[]
}

const anything: Layer = { uses: ['src', 'sim', 'test', 'bench', 'scripts'], packages: ['*'] }

/** An arrow may only point down. A file belongs to the longest path that holds it. */
export const layers: Readonly<Record<string, Layer>> = {
  'src/base': { uses: [] },
  'src/core/access': { uses: ['src/base'] },
  'src/core/answers': { uses: ['src/base'] },
  'src/core/cache': { uses: ['src/base'] },
  'src/core/cluster': { uses: ['src/base', 'src/core/ring'] },
  'src/core/lock': { uses: ['src/base'] },
  'src/core/overload': { uses: ['src/base'] },
  'src/core/queue': { uses: ['src/base'] },
  'src/core/raft': { uses: ['src/base'] },
  'src/core/register': { uses: ['src/base'] },
  'src/core/ring': { uses: ['src/base'] },
  // The checksum of frames is a pure function that only happens to live in node:zlib.
  'src/wire': { uses: ['src/base', 'src/core'], packages: ['msgpackr', 'node:zlib'] },
  'src/ports': { uses: ['src/base'], types: ['src/core', 'src/wire'] },
  'src/runtime': { uses: ['src/base', 'src/core', 'src/wire', 'src/ports'] },
  'src/io': { uses: ['src/base', 'src/wire', 'src/ports'], types: ['src/core'], packages: ['*'] },
  'src/api': { uses: ['src/base', 'src/core/access'], packages: ['*'] },
  'src/services': { uses: ['src/base', 'src/core', 'src/wire', 'src/ports', 'src/runtime', 'src/api'] },
  'src/http': { uses: ['src/base', 'src/core/access', 'src/api', 'src/services'], types: ['src/core'], packages: ['*'] },
  // Small parts of the runtime that have nothing to do with replicas.
  'src/sdk': {
    uses: [
      'src/base',
      'src/core/access',
      'src/core/lock',
      'src/core/queue',
      'src/core/cache',
      'src/core/ring',
      'src/wire',
      'src/ports',
      'src/runtime/deadlines.ts',
      'src/runtime/cache',
    ],
    types: ['src/api'],
  },
  'src/client': {
    uses: ['src/base', 'src/core', 'src/wire', 'src/ports', 'src/runtime', 'src/io', 'src/api'],
    packages: ['*'],
  },
  'src/composition': {
    uses: ['src/base', 'src/core/access', 'src/ports', 'src/runtime', 'src/io', 'src/api', 'src/services', 'src/http'],
    types: ['src/core'],
    packages: ['*'],
  },
  'src/cli': {
    uses: ['src/base', 'src/core/access', 'src/core/ring', 'src/api', 'src/client', 'src/main.ts'],
    types: ['src/core', 'src/composition', 'src/sdk'],
    packages: ['*'],
  },
  'src/console': { uses: ['src/base', 'src/core', 'src/api'], packages: ['*'] },
  'src/index.ts': { uses: ['src'], packages: ['*'] },
  'src/dev.ts': { uses: ['src/composition'], packages: ['*'] },
  'src/main.ts': { uses: ['src'], packages: ['*'] },
  'src/commands.ts': { uses: ['src'], packages: ['*'] },
  'src/commands.test.ts': anything,
  'src/client/connect.ts': { uses: ['src'], packages: ['*'] },
  sim: {
    uses: ['src/base', 'src/core', 'src/wire', 'src/ports', 'src/runtime', 'src/services', 'src/api', 'src/sdk'],
    packages: ['node:*'],
  },
  bench: anything,
  scripts: anything,
  test: anything,
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

function layerOf(path: string): string | undefined {
  return Object.keys(layers)
    .filter((layer) => isWithin(path, layer))
    .toSorted((left, right) => right.length - left.length)[0]
}

/** The file that `#base/assert.ts` or `./x.ts` means; null for a package. */
function targetOf(importer: string, specifier: string): string | null {
  if (specifier.startsWith('.')) return posix.join(dirname(importer), specifier)
  if (!specifier.startsWith('#')) return null
  const path = specifier.slice(1)
  return /^(?:sim|test|bench|scripts)\//.test(path) ? path : `src/${path}`
}

function faultOfForm(importer: string, { specifier }: ImportStatement): string | null {
  if (specifier.startsWith('.')) return /^\.\/[^/]+$/.test(specifier) ? null : 'another folder is imported by its # name'
  const target = targetOf(importer, specifier)
  if (target !== null && dirname(target) === dirname(importer)) return 'a file of the same folder is imported as ./name.ts'
  return null
}

function isAllowed(importer: string, layer: Layer, own: string, statement: ImportStatement): boolean {
  const target = targetOf(importer, statement.specifier)
  if (target === null) {
    const kind = statement.specifier.startsWith('node:') ? 'node:*' : '*'
    return (layer.packages ?? []).some((name) => name === '*' || name === kind || name === statement.specifier)
  }
  if (layerOf(target) === own || layer.uses.some((path) => isWithin(target, path))) return true
  const isTypes = statement.typeOnly || target.endsWith('/types.ts')
  return isTypes && (layer.types ?? []).some((path) => isWithin(target, path))
}

function faultsOfFile(path: string, text: string): readonly string[] {
  const own = layerOf(path)
  const layer = own === undefined ? undefined : layers[own]
  if (own === undefined || layer === undefined) return [`${path}: belongs to no layer`]
  const rules = path.endsWith('.test.ts') ? anything : layer
  return importsOf(text).flatMap((statement) => {
    const fault = faultOfForm(path, statement) ?? (isAllowed(path, rules, own, statement) ? null : `${own} may not import it`)
    return fault === null ? [] : [`${path}:${statement.line}: '${statement.specifier}': ${fault}`]
  })
}

export function layerFaults(files: ReadonlyMap<string, string>): readonly string[] {
  return [...files].flatMap(([path, text]) => faultsOfFile(path, text))
}
