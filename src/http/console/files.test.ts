import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { browserModule, withoutTypes } from './browser-module.ts'
import { entryFile, gatherFiles } from './files.ts'

test('a module comes out without types, and imports neighbours', () => {
  const source = [
    "import type { A } from './a.ts'",
    "import { b } from '#base/b.ts'",
    "import { h } from 'preact'",
    'export const c = (a: A): string => `${b(a)} ${h}`',
  ].join('\n')
  const module = browserModule(withoutTypes(source), (specifier) => `${specifier.replaceAll(/\W/g, '')}.js`)
  deepEqual(module.imports, ['#base/b.ts', 'preact'])
  match(module.text, /^import \{ b \} from '\.\/basebts\.js'\nimport \{ h \} from '\.\/preact\.js'\nexport const c/)
  ok(!module.text.includes('string'))
})

test('what a tool has made small is understood too', () => {
  const { text, imports } = browserModule('import{options as o}from"preact";var t;\n//# sourceMappingURL=hooks.mjs.map', () => 'preact.js')
  deepEqual([text, imports], ['import{options as o}from"./preact.js";var t;', ['preact']])
})

const { build, files } = gatherFiles(join(import.meta.dirname, '..', '..'))

test('the files of the console import only each other', () => {
  ok(files.has(entryFile) && files.has('preact.js') && files.has('base.css') && files.has('icon.svg'))
  for (const [name, content] of files) {
    if (!name.endsWith('.js')) continue
    for (const [, specifier = ''] of content.toString().matchAll(/\b(?:from|import)\s*["']([^"'\n]+)["']/g))
      ok(specifier.startsWith('./') && files.has(specifier.slice(2)), `${name}: ${specifier}`)
  }
})

test('nothing in them is asked of another host, and no style stands in a tag, as the policy of the page forbids both', () => {
  for (const [name, content] of files) {
    const text = content.toString().replaceAll(/http:\/\/www\.w3\.org\/[\w/]+/g, '')
    ok(!/\bhttps?:\/\/\w/.test(text), name)
    if (name.startsWith('console')) ok(!/\bstyle:/.test(text), name)
  }
})

test('the name of a build changes with its files', () => {
  match(build, /^[0-9a-f]{16}$/)
  equal(gatherFiles(join(import.meta.dirname, '..', '..')).build, build)
})
