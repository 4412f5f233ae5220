import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeReport } from './world.ts'
import { newNode } from './world.ts'
import { cacheEdges } from './cache-edges.ts'

test('each change of state that a line can make is shown with how often it was made, and nothing of a node that does not answer', () => {
  const node = (name: string, transitions: NodeReport['transitions'] | null) => ({
    ...newNode(name),
    identity: { service: 'cache', node_id: name, version: '0.1.0' } as const,
    report: transitions === null ? null : ({ transitions } as unknown as NodeReport),
  })
  deepEqual(
    cacheEdges([node('n1', { IE: 3, IM: 0 }), node('n2', null)]).map(({ name, counts }) => [name, ...counts]),
    [
      ['MS', null, null],
      ['MI', null, null],
      ['EM', null, null],
      ['ES', null, null],
      ['EI', null, null],
      ['SM', null, null],
      ['SI', null, null],
      ['IM', 0, null],
      ['IE', 3, null],
      ['IS', null, null],
    ],
  )
})
