import { ok } from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import { PlainRun } from './plain-run.ts'

/** More with `QUEUE_MODEL_RUNS=50000`, longer ones with `QUEUE_MODEL_COMMANDS=300`; one with `QUEUE_MODEL_SEED=17`. */
const runs = Number(process.env['QUEUE_MODEL_RUNS'] ?? 2_000)
const commands = Number(process.env['QUEUE_MODEL_COMMANDS'] ?? 40)
const only = process.env['QUEUE_MODEL_SEED']

test('in 2 000 random runs the machine answers, reports and holds what a plain list of messages does, and so does one that began with a snapshot', () => {
  const met = new Map<string, number>()
  for (let seed = Number(only ?? 1); seed <= Number(only ?? runs); seed++) {
    try {
      new PlainRun(seed, met).run(commands)
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause })
    }
  }
  console.log(JSON.stringify(Object.fromEntries([...met].toSorted(([left], [right]) => (left < right ? -1 : 1)))))
  const rare = ['repeated', 'redrive_active', 'stale_catalogue', 'in_flight_full', 'dedupe_full', 'too_many_producers', 'nack acknowledged']
  for (const word of rare) ok(only !== undefined || (met.get(word) ?? 0) > 0, `no run met with ${word}`)
})
