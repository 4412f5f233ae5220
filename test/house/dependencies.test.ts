import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { readText } from './repository.ts'

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
    ok(/^\d+\.\d+\.\d+$/.test(version), version)
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
