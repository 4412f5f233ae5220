import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { atomicHistory, type RegisterOperation, type Workload } from './linearizability-fixtures.ts'
import { checkLinearizability } from './linearizability.ts'
import { registerModel } from './register-model.ts'

const keys = 50
const operationsPerKey = 400
const limitMs = 2000

function historyOf(workload: Pick<Workload, 'unknown' | 'values' | 'mix'>): readonly RegisterOperation[] {
  return Array.from({ length: keys }, (_, n) => {
    return atomicHistory(new Prng(n + 1), { key: `k${n}`, clients: 10, operations: operationsPerKey, ...workload })
  }).flat()
}

const mixed = ['read', 'read', 'read', 'read', 'read', 'write', 'write', 'write', 'add', 'compare-and-set'] as const
const workloads = {
  'mixed, all outcomes known': { unknown: 0, values: null, mix: mixed },
  'mixed, 3 % unknown': { unknown: 0.03, values: null, mix: mixed },
  'mixed, 3 % unknown, 5 values': { unknown: 0.03, values: 5, mix: mixed },
  'reads and writes, 10 % unknown': { unknown: 0.1, values: null, mix: ['read', 'write'] as const },
  'additions, 2 % unknown': { unknown: 0.02, values: null, mix: ['add', 'add', 'read'] as const },
}

suite(`${keys * operationsPerKey} operations of 10 clients on ${keys} keys are judged within ${limitMs} ms`, () => {
  for (const [name, workload] of Object.entries(workloads)) {
    test(name, (t) => {
      const history = historyOf(workload)
      // Of this thread: others may be at work on the machine.
      const before = process.threadCpuUsage()
      const verdict = checkLinearizability(registerModel, history)
      const { user, system } = process.threadCpuUsage(before)
      const elapsedMs = (user + system) / 1_000
      assert.ok(verdict.type === 'ok', verdict.type)
      t.diagnostic(`${name}: ${elapsedMs.toFixed(0)} ms, ${Math.round(verdict.work)} units of work`)
      assert.ok(elapsedMs < limitMs)
    })
  }
})

test('lost writes whose places are told cost nothing where nobody read them, though the last read is wrong', () => {
  const written = Array.from({ length: 30 }, (_, at): RegisterOperation[] => {
    const common = { client: 'a', key: 'x', calledAt: 10 * at }
    const answer = { type: 'returned', at: 10 * at + 2, output: { value: at, done: true } } as const
    return [
      { ...common, input: { type: 'write', value: 1_000 + at }, outcome: { type: 'unknown' }, place: 2 * at },
      { ...common, input: { type: 'write', value: at }, outcome: answer, place: 2 * at + 1 },
    ]
  }).flat()
  const answer = { type: 'returned', at: 1_001, output: { value: 7_777, done: true } } as const
  const read: RegisterOperation = { client: 'b', key: 'x', calledAt: 1_000, input: { type: 'read' }, outcome: answer }
  assert.equal(checkLinearizability(registerModel, [...written, read], { workMax: 100_000 }).type, 'violation')
})
