import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf } from './imports.ts'
import { readAll, readText, repositoryFiles } from './repository.ts'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readText('package.json')) as Manifest
const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })

test('docs/dependencies.md has one line for each dependency, and none for what is not one', () => {
  const lines = readText('docs/dependencies.md').matchAll(/^- `(?<name>[^`]+)`: .{20,}$/gm)
  const documented = [...lines].map((match) => match.groups?.['name'] ?? '')
  ok(names.length > 0)
  deepEqual(documented.toSorted(), names.toSorted())
})

test('every dependency is pinned to one version', () => {
  for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies }))
    ok(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version), version)
})

/** Files of the product, not its tests, that name a package which is only there for development. */
const developmentImports = (files: ReadonlyMap<string, string>): readonly string[] =>
  [...files].flatMap(([path, text]) =>
    importsOf(text)
      .filter(({ specifier }) =>
        Object.keys(manifest.devDependencies).some((name) => specifier === name || specifier.startsWith(`${name}/`)),
      )
      .map(({ specifier, line }) => `${path}:${line}: ${specifier}`),
  )

test('the product imports nothing that is only there for development', () => {
  const product = repositoryFiles().filter((path) => /^src\/.*\.ts$/.test(path) && !/\.test\.ts$|\/testkit[^/]*$/.test(path))
  ok(product.length > 0, 'no files were seen')
  deepEqual(developmentImports(readAll(product)), [])
  deepEqual(developmentImports(new Map([['src/io/x.ts', "import { Etcd3 } from 'etcd3'"]])), ['src/io/x.ts:1: etcd3'])
})

interface Lock {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>
}

test('the lock file has an entry for every platform, or `npm ci` refuses it', () => {
  const { packages } = JSON.parse(readText('package-lock.json')) as Lock
  const optional = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
  ok(optional.length > 0)
  deepEqual(
    optional.filter((name) => packages[`node_modules/${name}`] === undefined),
    [],
  )
})
