import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { diagramFaults, withLineTable } from './line-table.ts'
import { readText, root } from './repository.ts'

/** `node test/house/line-table.test.ts --rewrite` writes the table of the cache protocol into its page. */
const page = 'docs/cache-protocol.md'
if (process.argv.includes('--rewrite')) writeFileSync(join(root, page), withLineTable(readText(page)))

test('the table of the cache protocol is in its page as the agent executes it', () => {
  equal(readText(page), withLineTable(readText(page)))
})

test('the diagrams of the states of a line have every change of state that can happen, and no other', () => {
  for (const document of [page, 'docs/caches.md']) deepEqual(diagramFaults(readText(document)), [], document)
})

test('a table that differs, and a page without a place for it, are noticed', () => {
  const spoiled = readText(page).replace('| `invalidate` | I, `drop` |', '| `invalidate` | S, `drop` |')
  ok(spoiled !== readText(page) && withLineTable(spoiled) !== spoiled)
  throws(() => withLineTable('# A page'), /no place/)
})

test('an edge that cannot happen, one that is missing, and a page without a diagram are noticed', () => {
  const text = readText(page)
  deepEqual(diagramFaults(text.replace('  E --> S:', '  S --> E:')), ['SE cannot happen', 'ES is not drawn'])
  deepEqual(diagramFaults('# A page'), ['no diagram of the states of a line'])
})
