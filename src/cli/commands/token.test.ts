import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseTokenFile } from '#api/access/token-file.ts'
import { CommandError } from '#cli/command-error.ts'
import { addToken } from '#cli/token/add-token.ts'
import { tokenCommand } from './token.ts'

const entry = { name: 'a', sha256: '0'.repeat(64), roles: ['lock'] }

function mistakesOf(given: Readonly<Record<string, readonly string[]>>, ...operands: readonly string[]): readonly string[] {
  const mistakes: string[] = []
  tokenCommand.prepare(new Map(Object.entries(given)), operands, mistakes)
  return mistakes
}

test('a token is made of a name and roles, and all that is wrong is told at once', () => {
  deepEqual(mistakesOf({ name: ['ci'], role: ['lock,produce', 'consume'], prefix: ['a-', 'b-'], expires: ['12h'] }, 'create'), [])
  deepEqual(
    mistakesOf({ name: ['a b'], role: ['root'], prefix: ['\u0007'] }, 'delete').map((mistake) => mistake.split(' ').slice(0, 2).join(' ')),
    ['--name must', 'the VERB', '--role must', '--prefix must'],
  )
  match(mistakesOf({ name: ['a'] }, 'create').join(), /^--role must be given/)
})

test('an entry is added to a file that only its owner may read, beside what is there, and never twice', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'tokens.json')
  await addToken(path, entry)
  equal(statSync(path).mode & 0o777, 0o600)
  await addToken(path, { ...entry, name: 'b', sha256: '1'.repeat(64) })
  const read = parseTokenFile(readFileSync(path, 'utf8'))
  deepEqual(read.ok && read.value.map(({ name }) => name), ['a', 'b'])
  const before = readFileSync(path, 'utf8')
  await rejects(
    addToken(path, { ...entry, sha256: '2'.repeat(64) }),
    (error) => error instanceof CommandError && /another token has the same/.test(error.message),
  )
  equal(readFileSync(path, 'utf8'), before)
  writeFileSync(path, '{')
  await rejects(addToken(path, entry), /has mistakes/)
  ok(readFileSync(path, 'utf8') === '{', 'what somebody is at work on is left alone')
})

test('entries that are added at once are all there, also after one that was broken off', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'tokens.json')
  const brokenOff = `${path}.new`
  writeFileSync(brokenOff, '{"tok')
  utimesSync(brokenOff, 0, 0)
  const names = ['a', 'b', 'c', 'd', 'e']
  await Promise.all(names.map((name, at) => addToken(path, { ...entry, name, sha256: String(at).repeat(64) })))
  const read = parseTokenFile(readFileSync(path, 'utf8'))
  deepEqual(read.ok && read.value.map(({ name }) => name).toSorted(), names)
  deepEqual(readdirSync(folder), ['tokens.json'])
})

test('an entry is added to the file behind a link, and the link stays one', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const [path, link] = [join(folder, 'tokens.json'), join(folder, 'link.json')]
  await addToken(path, entry)
  symlinkSync(path, link)
  await addToken(link, { ...entry, name: 'b', sha256: '1'.repeat(64) })
  const read = parseTokenFile(readFileSync(path, 'utf8'))
  deepEqual(read.ok && read.value.map(({ name }) => name), ['a', 'b'])
  ok(lstatSync(link).isSymbolicLink())
})
