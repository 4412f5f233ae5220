import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Formation, Timing } from '#core/cluster/types.ts'
import { nextFormingStep } from '#runtime/forming.ts'
import type { Hello } from '#wire/peer-message.ts'

const timing: Timing = { heartbeatMs: 100, electionMinMs: 500, electionMaxMs: 1_000, leaseMs: 450 }
const voters = ['a:1', 'b:1', 'c:1']

const hello = (name: string, other: Partial<Hello> = {}): Hello => ({
  name,
  incarnation: `${name}-first`,
  address: `${name}:1`,
  voters,
  timing,
  formation: null,
  ...other,
})

const formation: Formation = {
  clusterId: 'one',
  recovery: null,
  members: ['a', 'b', 'c'].map((name) => ({ name, incarnation: `${name}-first`, address: `${name}:1` })),
  slots: 2,
  replication: 3,
  timing,
}

test('decision R3: only all of the initial voters form a cluster, and the first of them does', () => {
  equal(nextFormingStep(hello('a'), []).type, 'wait')
  equal(nextFormingStep(hello('a'), [hello('b')]).type, 'wait')
  equal(nextFormingStep(hello('b'), [hello('a'), hello('c')]).type, 'wait')
  const step = nextFormingStep(hello('a'), [hello('c'), hello('b')])
  deepEqual(step.type === 'form' && step.founders.map(({ name }) => name), ['a', 'b', 'c'])
})

test('decision R3: initial voters whose lists differ form nothing', () => {
  const step = nextFormingStep(hello('a'), [hello('b'), hello('c', { voters: ['a:1', 'b:1', 'c:1', 'd:1'] })])
  equal(step.type === 'refuse' && step.code, 'voters-differ')
})

test('decision R3: an empty node joins where a peer belongs to a cluster, though all the others on its list are as empty', () => {
  const self = hello('a', { incarnation: 'a-second' })
  const heard = [hello('b', { incarnation: 'b-second' }), hello('c', { formation })]
  deepEqual(nextFormingStep(self, heard), { type: 'join', via: 'c' })
})

test('decision R3: an empty node adopts a formation only if that names its very incarnation', () => {
  deepEqual(nextFormingStep(hello('b'), [hello('a', { formation })]), { type: 'adopt', formation })
  const emptied = hello('b', { incarnation: 'b-second' })
  deepEqual(nextFormingStep(emptied, [hello('a', { formation })]), { type: 'join', via: 'a' })
})

test('decision R4: a node with other constants neither forms nor joins', () => {
  const other = { ...timing, leaseMs: 400 }
  for (const heard of [[hello('b'), hello('c', { timing: other })], [hello('b', { formation, timing: other })]]) {
    const step = nextFormingStep(hello('a', { incarnation: 'a-second' }), heard)
    equal(step.type === 'refuse' && step.code, 'timing-differs')
  }
})
