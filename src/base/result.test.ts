import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { err, ok } from './result.ts'

test('a result is told apart by `ok`', () => {
  deepEqual(ok(1), { ok: true, value: 1 })
  deepEqual(err('full'), { ok: false, error: 'full' })
})
