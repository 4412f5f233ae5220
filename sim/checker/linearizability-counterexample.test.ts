import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import type { Counterexample } from './linearizability-counterexample.ts'
import { atomicHistory, type RegisterOperation } from './linearizability-fixtures.ts'
import { type CheckOptions, checkLinearizability } from './linearizability.ts'
import { type RegisterInput, registerModel, type RegisterOutput } from './register-model.ts'

function counterexampleOf(
  history: readonly RegisterOperation[],
  options: CheckOptions = {},
): Counterexample<RegisterInput, RegisterOutput> {
  const verdict = checkLinearizability(registerModel, history, options)
  assert.ok(verdict.type === 'violation')
  return verdict.counterexample
}

function returned(client: string, span: readonly [number, number], input: RegisterInput, value: number | null): RegisterOperation {
  return { client, key: 'x', calledAt: span[0], input, outcome: { type: 'returned', at: span[1], output: { value, done: true } } }
}

test('a counterexample reads as a small timeline', () => {
  const lost: RegisterOperation = {
    client: 'bob',
    key: 'x',
    calledAt: 20,
    input: { type: 'write', value: 2 },
    outcome: { type: 'unknown' },
  }
  const history = [
    returned('alice', [0, 10], { type: 'write', value: 1 }, 1),
    lost,
    returned('carol', [30, 40], { type: 'read' }, 2),
    returned('alice', [45, 90], { type: 'read' }, 2),
    returned('dave', [50, 60], { type: 'read' }, 1),
  ]
  assert.equal(
    counterexampleOf(history).text,
    [
      'Key x is not linearizable: nothing explains read → 1 by dave.',
      'Its possible states there: 2.',
      '',
      'These 2 of 5 operations contradict each other, whichever of the others happened:',
      '  alice  write(1)  ├───┤ ·',
      '  bob    write(2)          ├─────────────────… ·',
      '  carol  read → 2              ├───┤',
      '  dave   read → 1                      ├───┤ ✗',
      '  (· not part of the contradiction, for orientation)',
      '',
      'Explained until then: 4, in the order write(1) by alice, write(2) by bob, read → 2 by carol, read → 2 by alice.',
      'Not placed: read → 1 by dave.',
    ].join('\n'),
  )
})

/** Lets one read return the value before the one it returned. */
function withStaleRead(history: readonly RegisterOperation[]): { history: RegisterOperation[]; stale: RegisterOperation } {
  const reads = history.filter(({ input, outcome }) => input.type === 'read' && outcome.type === 'returned')
  const fresh = reads[Math.floor(reads.length / 2)] as RegisterOperation
  const older = history.find(({ input, outcome }) => input.type === 'write' && outcome.type === 'returned') as RegisterOperation
  assert.ok(older.outcome.type === 'returned' && fresh.outcome.type === 'returned')
  const stale = { ...fresh, outcome: { ...fresh.outcome, output: older.outcome.output } }
  return { history: history.map((operation) => (operation === fresh ? stale : operation)), stale }
}

test('one stale read among 400 operations is found and explained by few', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const workload = { key: 'x', clients: 8, operations: 400, unknown: 0.03, values: null, mix: ['read', 'read', 'write'] as const }
    const { history, stale } = withStaleRead(atomicHistory(new Prng(seed), workload))
    const { culprit, core, states } = counterexampleOf(history)
    assert.equal(culprit, stale)
    assert.ok(core.length <= 4, `seed ${seed} has a core of ${core.length}`)
    assert.ok(states.length > 0 && !states.includes(String(stale.outcome.type === 'returned' && stale.outcome.output.value)))
  }
})

test('a contradiction that cannot be made small within the work limit is drawn by its end', () => {
  const adds = Array.from({ length: 40 }, (_, n) => returned('a', [n * 10, n * 10 + 5], { type: 'add', by: 1 }, n + 1))
  const history = [...adds, returned('c', [500, 501], { type: 'read' }, 39)]
  const { core, text } = counterexampleOf(history, { workMax: 200 })
  assert.equal(core.length, 41)
  assert.match(text, /… 21 earlier/)
  assert.match(text, /add\(1\) → 40 .*\n .* read → 39 .* ✗/)
})
