import { deepEqual, ok } from 'node:assert/strict'
import { basename, extname } from 'node:path'
import { test } from 'node:test'
import { readAll, readText, repositoryFiles } from './repository.ts'

const kebab = /^\.?[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$/
const custom = new Set(['README.md', 'CHANGELOG.md', 'LICENSE', 'Dockerfile', '.npmrc', 'demo_script.sh', 'demo_script.ps1'])
const textual = new Set(['', '.ts', '.md', '.json', '.txt', '.yml', '.yaml', '.sh', '.ps1', '.html', '.css'])

const files = repositoryFiles()
const texts = readAll(files.filter((path) => textual.has(extname(path)) && path !== 'package-lock.json'))

const badNames = (paths: readonly string[]): readonly string[] =>
  paths.filter((path) => !custom.has(basename(path)) && !kebab.test(basename(path)))

/** Where a repository is checked out, and who wrote it when, is no business of its texts. Written so that none matches itself. */
const outside = [
  /\.\.\/shar[e]d\b/,
  /(?<![\w.-])\/wor[k]\//,
  /\bsub-?agent/i,
  /\b(?:AI|coding|helper) agen[t]s?\b/i,
  /\b(?:col{2}eague|co-?worker)s?\b/i,
  /\bissue #\d/i,
  /\bT[O]DO\b|\bF[I]XME\b/,
]

const outsideFaults = (all: ReadonlyMap<string, string>): readonly string[] =>
  [...all].flatMap(([path, text]) =>
    text
      .split('\n')
      .flatMap((line, index) => (outside.some((pattern) => pattern.test(line)) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  )

test('file names are kebab-case', () => {
  ok(files.length > 0, 'no files were seen')
  deepEqual(badNames(files), [])
})

test('texts speak of the system, not of where and how it was made', () => {
  ok(texts.size > 0, 'no texts were seen')
  deepEqual(outsideFaults(texts), [])
})

test('the checks find what is planted', () => {
  deepEqual(badNames(['src/base/Deque.ts', 'src/base/my_deque.ts', 'src/base/my-deque.sim.test.ts']), [
    'src/base/Deque.ts',
    'src/base/my_deque.ts',
  ])
  const lines = ['see ../sh\x61red/design', 'in /w\x6frk/main', '// T\x4fDO: later', 'the cache agent', 'src/work/queue', 'a lock session']
  deepEqual(
    outsideFaults(new Map([['x', lines.join('\n')]])).map((fault) => fault.slice(0, 3)),
    ['x:1', 'x:2', 'x:3'],
  )
})

test('every text ends with one line break and has no trailing spaces', () => {
  const faults = [...texts].filter(([, text]) => text !== '' && (!text.endsWith('\n') || text.endsWith('\n\n') || /[ \t]$/m.test(text)))
  deepEqual(
    faults.map(([path]) => path),
    [],
  )
})

test('the compiler rejects what type stripping cannot run', () => {
  ok(readText('tsconfig.json').includes('"erasableSyntaxOnly": true'))
})
