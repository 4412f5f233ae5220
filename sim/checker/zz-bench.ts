import { Prng } from '#base/prng.ts'
import { atomicHistory } from '#sim/checker/linearizability-fixtures.ts'
import { checkLinearizability } from '#sim/checker/linearizability.ts'
import { registerModel } from '#sim/checker/register-model.ts'
const mixes = { mixed: ['read','read','read','read','read','write','write','write','add','compare-and-set'], writes: ['write','write','write','read'], half: ['read','write'], allwrites:['write'], reads:['read','read','read','read','read','read','read','read','read','write'], adds: ['add'], addr:['add','add','read'], cas: ['compare-and-set','compare-and-set','read'] } as const
const only = process.env.MIX?.split(',')
for (const clients of JSON.parse(process.env.C ?? '[10]')) for (const unknown of JSON.parse(process.env.U ?? '[0,0.03,0.1]')) for (const values of [null, 5]) for (const [name, mix] of Object.entries(mixes)) {
  if (only && !only.includes(name)) continue
  const history = []
  for (let k = 0; k < 50; k++) history.push(...atomicHistory(new Prng(k * 7 + 1), { key: `k${k}`, clients, operations: 400, unknown, values, mix }))
  for (const bad of process.env.GOOD ? [false] : [false, true]) {
    let h = history
    if (bad) {
      h = [...history]
      let i = h.length - 1
      while (h[i].outcome.type !== 'returned') i--
      h[i] = { ...h[i], input: {type:'read'}, outcome: { ...h[i].outcome, output: { value: -7, done: true } } }
    }
    const start = performance.now()
    const v = checkLinearizability(registerModel, h, { workMax: 1e6 })
    const ms = performance.now() - start
    console.log(clients, unknown, String(values).padEnd(4), name.padEnd(10), bad ? 'bad ' : 'good', v.type, v.type==='undecided' ? v.keys.length : '', Math.round(ms) + ' ms', 'work' in v ? Math.round(v.work) : `core ${v.counterexample.core.length}`)
  }
}
