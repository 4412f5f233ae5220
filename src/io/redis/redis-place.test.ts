import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { hashSlotOf } from './hash-slot.ts'
import { parseRedisPlace } from './redis-place.ts'
import { isAtLeast, parseInfo } from './server-info.ts'

const plain = { masterName: null, username: null, password: null, database: 0, tls: false }

test('URLs of one server, of Sentinels and of a cluster are told apart', () => {
  const endpoints = [{ host: 'h', port: 6379 }]
  deepEqual(parseRedisPlace('redis://h'), { ok: true, value: { ...plain, kind: 'standalone', endpoints } })
  deepEqual(parseRedisPlace('rediss://user:p%40ss@h:7/3'), {
    ok: true,
    value: {
      kind: 'standalone',
      endpoints: [{ host: 'h', port: 7 }],
      masterName: null,
      username: 'user',
      password: 'p@ss',
      database: 3,
      tls: true,
    },
  })
  deepEqual(parseRedisPlace('redis+sentinel://a,b:7/mymaster/2'), {
    ok: true,
    value: {
      ...plain,
      kind: 'sentinel',
      endpoints: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 7 },
      ],
      masterName: 'mymaster',
      database: 2,
    },
  })
  deepEqual(parseRedisPlace('redis+cluster://:secret@[::1]:7'), {
    ok: true,
    value: { ...plain, kind: 'cluster', endpoints: [{ host: '::1', port: 7 }], password: 'secret' },
  })
})

test('what is no URL of a Redis is refused, and a password is never repeated', () => {
  for (const url of [
    'http://h',
    'redis://',
    'redis://a,b',
    'redis+sentinel://a',
    'redis://h/x',
    'redis+cluster://a/1',
    'redis://:secret@h:99999',
  ]) {
    const parsed = parseRedisPlace(url)
    ok(!parsed.ok, url)
    ok(!parsed.error.includes('secret'))
  }
})

test('keys lie where the specification of Redis Cluster says', () => {
  equal(hashSlotOf('123456789'), 0x31c3)
  equal(hashSlotOf('foo'), 12_182)
})

test('versions are compared as numbers', () => {
  deepEqual(
    ['7.0.15', '7.2.0', '7.10.1', '8.0.0', '6.9.9'].map((version) => isAtLeast(version, [7, 2])),
    [false, true, true, true, false],
  )
})

test('another process and another history of the data are other servers', () => {
  const info = (runId: string, replid: string): string =>
    parseInfo(
      `# Server\r\nredis_version:7.0.15\r\nrun_id:${runId}\r\n# Replication\r\nrole:master\r\nconnected_slaves:2\r\nmaster_replid:${replid}\r\n`,
    ).identity
  equal(new Set([info('a', 'x'), info('b', 'x'), info('a', 'y')]).size, 3)
})
