import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf } from './imports.ts'
import { layerFaults, layers } from './layers.ts'
import { readAll, repositoryFiles } from './repository.ts'

const faultsOf = (path: string, text: string): readonly string[] => layerFaults(new Map([[path, text]]))

test('every import points down', () => {
  const files = readAll(repositoryFiles().filter((path) => /^(?:src|sim|bench|test|scripts)\/.*\.ts$/.test(path)))
  ok(files.size > 0, 'no files were seen')
  ok(
    [...files.values()].some((text) => importsOf(text).length > 0),
    'no imports were seen',
  )
  deepEqual(layerFaults(files), [])
})

test('no layer is above itself', () => {
  const below = (layer: string, seen: ReadonlySet<string>): void => {
    ok(!seen.has(layer), `${layer} is above itself`)
    const { uses = [], types = [] } = layers[layer] ?? {}
    for (const path of [...uses, ...types]) {
      for (const other of Object.keys(layers)) if (other.startsWith(path)) below(other, new Set([...seen, layer]))
    }
  }
  const roots = [
    'src/main.ts',
    'src/commands.ts',
    'src/commands.test.ts',
    'src/index.ts',
    'src/dev.ts',
    'src/client/connect.ts',
    'src/cli',
    'bench',
    'scripts',
    'test',
  ]
  for (const layer of Object.keys(layers)) if (!roots.includes(layer)) below(layer, new Set())
})

test('every form of import is seen, with its line', () => {
  const text = [
    "import { a } from './a.ts'",
    "import type { B } from '#base/b.ts'",
    'import {',
    '  c,',
    "} from '#base/c.ts'",
    "import '#base/d.ts'",
    "export { e } from '#base/e.ts'",
    "export type * from '#base/f.ts'",
    "import * as g from 'node:fs'",
    "const h = await import('#base/h.ts')",
    "export const i = 'not an import'",
  ].join('\n')
  deepEqual(
    importsOf(text).map(({ specifier, typeOnly, line }) => `${line} ${specifier}${typeOnly ? ' type' : ''}`),
    ['1 ./a.ts', '2 #base/b.ts type', '3 #base/c.ts', '6 #base/d.ts', '7 #base/e.ts', '8 #base/f.ts type', '9 node:fs', '10 #base/h.ts'],
  )
})

const planted: readonly (readonly [string, string, string])[] = [
  ['an upward import', 'src/base/x.ts', "import { a } from '#core/raft/raft.ts'"],
  ['an upward import of a type', 'src/base/x.ts', "import type { a } from '#core/raft/types.ts'"],
  ['a core that imports another', 'src/core/raft/x.ts', "import { a } from '#core/ring/ring.ts'"],
  ['a node module in a core', 'src/core/raft/x.ts', "import { a } from 'node:fs'"],
  ['a package in a core', 'src/core/raft/x.ts', "import { a } from 'msgpackr'"],
  ['a value of a core in a port', 'src/ports/x.ts', "import { a } from '#core/raft/raft.ts'"],
  ['a socket in the runtime', 'src/runtime/x.ts', "import { a } from 'node:net'"],
  ['the real world in the simulator', 'sim/x.ts', "import { a } from '#io/lmdb.ts'"],
  ['a package in the simulator', 'sim/x.ts', "import { a } from 'pino'"],
  ['a re-export upward', 'src/base/x.ts', "export { a } from '#wire/codec.ts'"],
  ['a dynamic import upward', 'src/base/x.ts', "  const a = await import('#wire/codec.ts')"],
  ['a relative path to another folder', 'src/runtime/x.ts', "import { a } from '../base/assert.ts'"],
  ['a relative path to another folder in a test', 'src/runtime/x.test.ts', "import { a } from '../base/assert.ts'"],
  ['a long way to the same folder', 'src/base/x.ts', "import { a } from '#base/assert.ts'"],
  ['a folder without a layer', 'src/utilities/x.ts', ''],
]

for (const [what, path, text] of planted) {
  test(`the check finds ${what}`, () => equal(faultsOf(path, text).length, 1))
}

test('the check allows what the table allows', () => {
  deepEqual(faultsOf('src/core/cluster/x.ts', "import { a } from '#core/ring/ring.ts'"), [])
  deepEqual(faultsOf('src/ports/x.ts', "import type { a } from '#core/raft/raft.ts'"), [])
  deepEqual(faultsOf('src/ports/x.ts', "import { term } from '#core/raft/types.ts'"), [])
  deepEqual(faultsOf('src/wire/x.ts', "import { a } from 'msgpackr'"), [])
  deepEqual(faultsOf('src/base/x.test.ts', "import { a } from 'node:test'"), [])
  deepEqual(faultsOf('src/client/connect.ts', "import { a } from '#http/server.ts'"), [])
})
