import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { decodeMember, encodeMember } from './stored-texts.ts'

const member = { id: 'a/1', address: 'host:1', version: 2, beat: 7 }

test('a member is read back as it was written', () => {
  deepEqual(decodeMember('a/1', encodeMember(member)), member)
})

for (const text of ['', '{', 'null', '7', '[]', '{}', '{"address":"host:1","version":2}', '{"address":1,"version":2,"beat":3}']) {
  test(`what is not the record of a member is none: ${text}`, () => {
    equal(decodeMember('a/1', text), null)
  })
}
