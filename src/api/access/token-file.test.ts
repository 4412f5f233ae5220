import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTokenFile } from './token-file.ts'

const hash = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
const entry = { name: 'ci', sha256: hash, roles: ['lock', 'cache-read'] }
const parsed = (...tokens: readonly unknown[]): ReturnType<typeof parseTokenFile> => parseTokenFile(JSON.stringify({ tokens }))
const mistakesOf = (...tokens: readonly unknown[]): readonly string[] => {
  const read = parsed(...tokens)
  return read.ok ? [] : read.error
}

test('a token has a name, a hash and roles; prefixes and an end where they are said', () => {
  const token = { name: 'ci', sha256: hash, roles: ['lock', 'cache-read'], prefixes: [], expiresAt: null }
  deepEqual(parsed(entry), { ok: true, value: [token] })
  const limited = { ...entry, prefixes: ['ci-', 'büro/'], expires: '2027-01-31T13:00:00+01:00' }
  deepEqual(parsed(limited), { ok: true, value: [{ ...token, prefixes: ['ci-', 'büro/'], expiresAt: Date.UTC(2027, 0, 31, 12) }] })
  deepEqual(parsed(), { ok: true, value: [] }, 'nobody is let in')
})

test('all that is wrong is told at once, by its place', () => {
  deepEqual(
    mistakesOf(
      { ...entry, role: 'lock' },
      { name: 'a b', sha256: hash.toUpperCase(), roles: ['root'], prefixes: [''], expires: '2027' },
      7,
    ).map((mistake) => mistake.split(' ')[0]),
    [
      'tokens[0].role:',
      'tokens[1].name:',
      'tokens[1].sha256:',
      'tokens[1].roles:',
      'tokens[1].prefixes:',
      'tokens[1].expires:',
      'tokens[2]:',
    ],
  )
  deepEqual(mistakesOf({ ...entry, roles: [] }), [
    'tokens[0].roles: must be a list of admin, lock, produce, consume, cache-read, cache-write',
  ])
  deepEqual(mistakesOf({ ...entry, expires: '2027-13-01T00:00:00Z' }).length, 1)
  deepEqual(mistakesOf({ ...entry, expires: '2027-01-01T00:00:00' }).length, 1, 'in which zone?')
  deepEqual(mistakesOf({ ...entry, expires: null }).length, 1)
})

test('no two tokens have one name or one secret', () => {
  deepEqual(mistakesOf(entry, { ...entry, sha256: '0'.repeat(64) }), ['tokens[1].name: another token has the same'])
  deepEqual(mistakesOf(entry, { ...entry, name: 'other' }), ['tokens[1].sha256: another token has the same'])
})

test('whatever is in the file, nothing is thrown, and no hash is quoted', () => {
  for (const text of ['', '[]', 'null', '7', '{}', '{"tokens":{}}', '{"tokens":[],"x":1}', `{"tokens":[{"sha256":"${hash}"`]) {
    const read = parseTokenFile(text)
    ok(!read.ok && !read.error.join().includes(hash.slice(0, 8)), text)
  }
  let refused = 0
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 3 }), (tokens) => {
      if (!parsed(...tokens).ok) refused++
    }),
  )
  ok(refused > 30)
  equal(parseTokenFile(JSON.stringify({ tokens: Array.from({ length: 1_001 }, () => entry) })).ok, false)
})
