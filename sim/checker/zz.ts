import { Prng } from '#base/prng.ts'
import { atomicHistory } from '#sim/checker/linearizability-fixtures.ts'
import { drawTimeline } from '#sim/checker/linearizability-timeline.ts'
import { Tried } from '#sim/checker/linearizability-tried.ts'
import { searchOrder } from '#sim/checker/linearizability-search.ts'
import { registerModel } from '#sim/checker/register-model.ts'
const add = Tried.prototype.add
Tried.prototype.add = function (key, choice) { const r = add.call(this, key, choice); if (this.g ??= (globalThis.n = (globalThis.n ?? 0) + 1) === 1) if (globalThis.n === 1 || true) log.push(`${key} | free ${choice.free} ${r}`); return r }
const log: string[] = []
const h = atomicHistory(new Prng(1), { key: 'k', clients: 5, operations: 10, unknown: 0, values: null, mix: ['write'] })
const bad = { client: 'r', key: 'k', calledAt: 1e9, input: { type: 'read' } as const, outcome: { type: 'returned' as const, at: 1e9 + 1, output: { value: -7, done: true } } }
const v = searchOrder(registerModel, [...h, bad], 3e6)
console.log(drawTimeline(h, {describe: o => String(o.input.value), mark: () => ''}).join('\n'))
console.log(v.type, v.work)
console.log(log.join('\n'))
