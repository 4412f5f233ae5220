import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { connectOptions } from './connect.ts'

test('a program is told of certificates where a URL is https, and of a token where there is one', () => {
  const trust = { ca: Buffer.from('ca') }
  const secure = { lock: ['https://h:1'], queue: ['http://h:2'] }
  deepEqual(connectOptions(secure, { token: 't', trust }), { ...secure, token: 't', tls: trust })
  deepEqual(connectOptions(secure, { token: null, trust: {} }), { ...secure, tls: {} })
  const plain = { lock: ['http://h:1'] }
  deepEqual(connectOptions(plain, { token: null, trust }), plain)
})
