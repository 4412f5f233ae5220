import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterGate } from './cluster-gate.ts'

test('a gate settles when both ends have said the same cluster', () => {
  let own: string | null = null
  const gate = new ClusterGate({ own: () => own, told: null, heard: null })
  assert.equal(gate.announcement(), null)
  assert.equal(gate.check(), 'unformed')
  gate.hear('c')
  assert.equal(gate.check(), 'unformed')
  own = 'c'
  assert.equal(gate.check(), 'same-cluster')
  assert.equal(gate.settled, false)
  assert.equal(gate.announcement(), 'c')
  assert.equal(gate.announcement(), null)
  assert.equal(gate.check(), 'same-cluster')
  assert.equal(gate.settled, true)
  gate.hear('other')
  assert.equal(gate.settled, false)
  assert.equal(gate.check(), 'other-cluster')
})
