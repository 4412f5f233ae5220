/** What `npm test` does, in order. The suffix of a test file says which stage runs it. */
export type Stage =
  | { readonly type: 'command'; readonly name: string; readonly command: string; readonly options: readonly string[] }
  | {
      readonly type: 'files'
      readonly name: string
      readonly wants: (path: string) => boolean
      /** For one test; a file that does not end in `fileTimeoutMs` is killed, whatever it hangs in. */
      readonly testTimeoutMs: number
      readonly fileTimeoutMs: number
      readonly concurrency: number
      /** Takes too long for every time: it runs when it is asked for, and for every submission. */
      readonly apart?: true
    }

const special = /\.(?:sim|long|e2e)\.test\.ts$/

export const stages: readonly Stage[] = [
  { type: 'command', name: 'types', command: 'tsc', options: ['--noEmit'] },
  { type: 'command', name: 'page', command: 'tsc', options: ['--noEmit', '-p', 'src/console/page'] },
  { type: 'command', name: 'lint', command: 'oxlint', options: [] },
  { type: 'command', name: 'format', command: 'oxfmt', options: ['--check'] },
  { type: 'command', name: 'dead', command: 'knip', options: ['--no-progress', '--no-config-hints'] },
  {
    type: 'files',
    name: 'unit',
    wants: (path) => path.endsWith('.test.ts') && !special.test(path),
    testTimeoutMs: 20_000,
    fileTimeoutMs: 60_000,
    concurrency: 3,
  },
  {
    type: 'files',
    name: 'sim',
    wants: (path) => path.endsWith('.sim.test.ts'),
    testTimeoutMs: 60_000,
    fileTimeoutMs: 90_000,
    concurrency: 2,
  },
  {
    type: 'files',
    name: 'e2e',
    wants: (path) => path.endsWith('.e2e.test.ts'),
    testTimeoutMs: 60_000,
    fileTimeoutMs: 120_000,
    concurrency: 3,
  },
  {
    type: 'files',
    name: 'long',
    wants: (path) => path.endsWith('.long.test.ts'),
    testTimeoutMs: 120_000,
    fileTimeoutMs: 480_000,
    concurrency: 2,
    apart: true,
  },
]
