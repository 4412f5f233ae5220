import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { CallerHeaders, Verdict } from './callers.ts'
import { judgeCaller } from './callers.ts'

const consoles = new Set(['127.0.0.1:8001', '127.0.0.1:9001', 'locks.example.com:443'])
const none = { host: '127.0.0.1:8001', origin: undefined, site: undefined, mode: undefined }

const judge = (headers: Partial<CallerHeaders>, { isPage = false, isLocal = true } = {}): Verdict =>
  judgeCaller({ ...none, ...headers }, isPage, { consoles: () => consoles, isLocal })
const outcome = (headers: Partial<CallerHeaders>, options = {}): string => {
  const verdict = judge(headers, options)
  return verdict.type === 'refused' ? verdict.fault.code : `welcome ${verdict.origin ?? ''}`.trim()
}

test('a program that is no browser is welcome', () => {
  equal(outcome({}), 'welcome')
  equal(outcome({ host: undefined }), 'welcome')
  equal(outcome({ host: 'lock-0.locks:8001' }, { isLocal: false }), 'welcome')
})

test('the own page of a node is welcome, and that of another console is told so', () => {
  equal(outcome({ origin: 'http://127.0.0.1:8001', site: 'same-origin' }), 'welcome')
  equal(outcome({ origin: 'http://127.0.0.1:9001', site: 'same-site' }), 'welcome http://127.0.0.1:9001')
  equal(outcome({ origin: 'https://locks.example.com' }), 'welcome https://locks.example.com')
  equal(outcome({ host: 'locks.example.com', origin: 'https://locks.example.com' }), 'welcome')
  equal(outcome({ host: '[::1]:8001', origin: 'http://[::1]:8001' }), 'welcome')
})

test('the page of a stranger can send nothing that is carried out', () => {
  for (const origin of [
    'http://evil.example',
    'http://127.0.0.1:5173',
    'http://127.0.0.1',
    'null',
    '',
    'file://',
    'http://127.0.0.1:9001.evil.example',
    'http://evil@127.0.0.1:9001',
    'http://127.0.0.1:9001/',
    'ftp://127.0.0.1:9001',
  ])
    equal(outcome({ origin }), 'foreign_origin', origin)
  deepEqual(
    [outcome({ site: 'cross-site', mode: 'no-cors' }), outcome({ site: 'same-site', mode: 'cors' })],
    ['foreign_origin', 'foreign_origin'],
  )
})

test('a link from another site leads to a page for people, and to nothing else', () => {
  equal(outcome({ site: 'cross-site', mode: 'navigate' }, { isPage: true }), 'welcome')
  equal(outcome({ site: 'cross-site', mode: 'navigate' }), 'foreign_origin')
  equal(outcome({ site: 'cross-site', mode: 'no-cors' }, { isPage: true }), 'foreign_origin')
  equal(outcome({ site: 'none', mode: 'navigate' }), 'welcome')
})

test('a name that was made to mean this node does not open it', () => {
  const rebound = { host: 'evil.example:8001' }
  equal(outcome(rebound), 'unknown_host')
  equal(outcome({ ...rebound, origin: 'http://evil.example:8001', site: 'same-origin' }), 'unknown_host')
  equal(outcome({ ...rebound, origin: 'http://evil.example:8001' }, { isLocal: false }), 'unknown_host')
  equal(outcome({ host: '127.0.0.1.evil.example:8001' }), 'unknown_host')
  equal(outcome({ host: 'localhost.evil.example' }), 'unknown_host')
  equal(outcome({ host: '', origin: 'http://' }), 'unknown_host')
  for (const host of ['localhost:8001', 'LOCALHOST', 'a.localhost:8001', '10.0.0.7:8001', '[::1]:8001', 'locks.example.com'])
    equal(outcome({ host }), 'welcome', host)
})
