import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback } from './loopback.ts'

test('only what no other machine can reach is loopback', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', 'LOCALHOST', '::1', '[::1]']) equal(isLoopback(host), true, host)
  const others = [
    '0.0.0.0',
    '::',
    '[::]',
    '10.0.0.1',
    '127.0.0.1.example.com',
    '127.example.com',
    'localhost.example.com',
    '127.0.0.256',
    '',
  ]
  for (const host of others) equal(isLoopback(host), false, host)
})
