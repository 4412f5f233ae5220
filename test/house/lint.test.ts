import { deepEqual, equal } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { root } from './repository.ts'

/** Rule to a file that breaks it. */
const planted: readonly (readonly [rule: string, path: string, text: string])[] = [
  ['no-restricted-globals', 'src/core/raft/date.ts', 'export const now = (): number => Date.now()'],
  ['no-restricted-globals', 'src/core/raft/performance.ts', 'export const now = (): number => performance.now()'],
  ['no-restricted-globals', 'src/core/raft/timeout.ts', 'export const later = (call: () => void): unknown => setTimeout(call, 1)'],
  ['no-restricted-globals', 'src/core/raft/interval.ts', 'export const often = (call: () => void): unknown => setInterval(call, 1)'],
  ['no-restricted-globals', 'src/core/raft/immediate.ts', 'export const soon = (call: () => void): unknown => setImmediate(call)'],
  ['no-restricted-globals', 'src/core/raft/process.ts', 'export const exit = (): void => process.abort()'],
  ['no-restricted-globals', 'src/core/raft/fetch.ts', "export const load = (): unknown => fetch('x')"],
  ['no-restricted-globals', 'src/core/raft/global.ts', 'export const everything: unknown = globalThis'],
  ['no-console', 'src/core/raft/console.ts', "export const say = (): void => console.log('x')"],
  ['no-restricted-properties', 'src/core/raft/random.ts', 'export const dice = (): number => Math.random()'],
  ['no-restricted-imports', 'src/core/raft/import.ts', "export { join as a } from 'node:path'"],
  ['no-async-await', 'src/core/raft/async.ts', 'export const later = async (): Promise<number> => Promise.resolve(1)'],
  ['no-namespace', 'src/runtime/namespace.ts', 'export namespace A { export const b = 1 }'],
  ['no-default-export', 'src/runtime/default.ts', 'export default 1'],
  ['no-explicit-any', 'src/runtime/any.ts', 'export const a: any = 1'],
  ['no-non-null-assertion', 'src/runtime/bang.ts', 'export const a = (b: { c: number } | null): number => b!.c'],
  ['parameter-properties', 'src/runtime/parameter.ts', 'export class A { constructor(readonly b: number) {} }'],
  ['no-floating-promises', 'src/runtime/floating.ts', 'export const a = (): void => { Promise.resolve(1) }'],
  ['no-floating-promises', 'src/runtime/floating.test.ts', 'export const a = (): void => { Promise.resolve(1) }'],
  ['switch-exhaustiveness-check', 'src/runtime/switch.ts', "export const a = (b: 'x' | 'y'): void => { switch (b) { case 'x': break } }"],
  ['no-empty', 'src/runtime/empty.ts', 'export const a = (): void => { try { JSON.parse("") } catch {} }'],
  ['no-warning-comments', 'src/runtime/warning.ts', '// T\x4fDO: later\nexport const a = 1'],
  ['filename-case', 'src/runtime/camelCase.ts', 'export const a = 1'],
  ['max-lines', 'src/runtime/long.ts', Array.from({ length: 401 }, (_, line) => `export const a${line} = 1`).join('\n')],
  ['max-lines', 'src/runtime/long.test.ts', Array.from({ length: 601 }, (_, line) => `export const a${line} = 1`).join('\n')],
  ['max-lines-per-function', 'src/runtime/tall.ts', `export function a(): void {\n${'  Math.abs(1)\n'.repeat(70)}}`],
]

interface Report {
  readonly diagnostics: readonly { readonly code?: string; readonly filename: string }[]
}

/** Path to names of rules. */
function lint(files: readonly (readonly [path: string, text: string])[]): Readonly<Record<string, readonly string[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-lint-'))
  for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) cpSync(join(root, name), join(folder, name))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const [path, text] of files) {
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    writeFileSync(join(folder, path), `${text}\n`)
  }
  const run = spawnSync(join(root, 'node_modules', '.bin', 'oxlint'), ['--format', 'json', 'src'], { cwd: folder, encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  const { diagnostics } = JSON.parse(run.stdout) as Report
  const found: Record<string, string[]> = {}
  for (const { filename, code } of diagnostics) (found[filename] ??= []).push(/\((?<rule>.*)\)/.exec(code ?? '')?.groups?.['rule'] ?? '')
  return found
}

test('the linter finds every planted fault', () => {
  const found = lint(planted.map(([, path, text]) => [path, text]))
  const missed = planted.filter(([rule, path]) => found[path]?.includes(rule) !== true)
  deepEqual(missed, [])
})

test('the linter has nothing to say about good code', () => {
  const good = "import { test } from 'node:test'\nimport { a } from './a.ts'\n\ntest('a', async () => {\n  await Promise.resolve(a)\n})"
  const found = lint([
    ['src/core/raft/a.ts', 'export const a = 1'],
    ['src/core/raft/a.test.ts', good],
  ])
  equal(JSON.stringify(found), '{}')
})
