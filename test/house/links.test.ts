import { deepEqual, equal, ok } from 'node:assert/strict'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { linkFaults, untold } from './links.ts'
import { readAll, repositoryFiles } from './repository.ts'

function withFolders(files: readonly string[]): ReadonlySet<string> {
  const all = new Set(files)
  for (const file of files) for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) all.add(folder)
  return all
}

const faultsOf = (text: string): readonly string[] =>
  linkFaults({
    pages: new Map([
      ['docs/a.md', text],
      ['docs/b.md', '# A title\n## Locks & queues\n## Locks & queues\n```\n# no heading\n```'],
    ]),
    files: withFolders(['docs/a.md', 'docs/b.md', 'src/base/assert.ts']),
  })

test('every link in the documents leads somewhere, and every file they name exists', () => {
  const files = repositoryFiles()
  const pages = readAll(files.filter((path) => /^(?:README|CHANGELOG|docs\/.*)\.md$/.test(path)))
  ok(pages.size >= 2, 'no documents were seen')
  deepEqual(linkFaults({ pages, files: withFolders(files) }), [])
})

test('every picture is shown on a page, and a page tells of every bench', () => {
  const files = repositoryFiles()
  const pages = readAll(files.filter((path) => /^(?:README|docs\/.*)\.md$/.test(path)))
  deepEqual(untold({ pages, files: new Set(files) }), [])
  const [picture, bench, other] = ['docs/images/a.svg', 'bench/lock.bench.ts', 'bench/lock-machine.bench.ts']
  const repository = (text: string): Parameters<typeof untold>[0] => ({
    pages: new Map([['docs/a.md', text]]),
    files: withFolders([picture, bench, other]),
  })
  deepEqual(untold(repository('`npm run bench -- lock-machine`')), [picture, bench])
  deepEqual(untold(repository(`![a](images/a.svg) \`${other}\` \`npm run bench -- lock --seconds 2\``)), [])
})

const planted: readonly (readonly [string, string])[] = [
  ['a link to no file', '[x](c.md)'],
  ['a link to no heading', '[x](b.md#an-other-title)'],
  ['a link to what only looks like a heading', '[x](b.md#no-heading)'],
  ['a link to no heading of the page itself', '# One\n[x](#two)'],
  ['a file that is not there', 'See `src/base/absent.ts`.'],
]

for (const [what, text] of planted) test(`the check finds ${what}`, () => equal(faultsOf(text).length, 1))

test('the check lets good links and other code pass', () => {
  const text = [
    '# One',
    '[a](b.md) [b](b.md#a-title) [c](#one) [d](../src/base/assert.ts) [e](../src/base/) [f](https://example.com/x#y)',
    '[g](b.md#locks--queues) [h](b.md#locks--queues-1)',
    '`src/base/assert.ts`, `src/base/*.ts`, `npm test`, `a/b`, `POST /acquire`',
    '```\nsrc/base/absent.ts\n[x](absent.md)\n```',
  ].join('\n')
  deepEqual(faultsOf(text), [])
})
