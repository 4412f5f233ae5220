import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Links } from './links.ts'

test('sending stays with the first connection until it ends, then goes to the next', () => {
  const links = new Links<string>()
  assert.equal(links.add('n', 'first'), true)
  assert.equal(links.add('n', 'second'), false)
  assert.equal(links.current('n'), 'first')
  assert.deepEqual(links.remove('n', 'first'), { wasCurrent: true, next: 'second' })
  assert.equal(links.current('n'), 'second')
  assert.equal(links.add('n', 'third'), false)
  assert.deepEqual(links.remove('n', 'third'), { wasCurrent: false, next: 'second' })
  assert.deepEqual(links.remove('n', 'second'), { wasCurrent: true, next: undefined })
  assert.equal(links.current('n'), undefined)
  assert.equal(links.add('n', 'fourth'), true)
})
