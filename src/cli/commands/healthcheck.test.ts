import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { urlBeside } from './healthcheck.ts'

test('a node that listens on all addresses of its machine is asked on the loopback one, any other where it listens', () => {
  for (const all of ['0.0.0.0:8001', '[::]:8001', ':::8001']) equal(urlBeside(all), 'http://127.0.0.1:8001')
  equal(urlBeside('10.0.0.5:8001'), 'http://10.0.0.5:8001')
  equal(urlBeside('lock-node-1:8001'), 'http://lock-node-1:8001')
})
