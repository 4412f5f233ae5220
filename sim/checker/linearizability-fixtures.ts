import { unreachable } from '#base/assert.ts'
import type { Prng } from '#base/prng.ts'
import { HistoryRecorder, type Operation } from './history.ts'
import { answerOfRegister, type RegisterInput, type RegisterOutput } from './register-model.ts'

export type RegisterOperation = Operation<RegisterInput, RegisterOutput>

export interface Workload {
  readonly key: string
  readonly clients: number
  readonly operations: number
  /** Probability that a client never hears of an operation. */
  readonly unknown: number
  /** Values are drawn from 1..values; null means that no value is written twice. */
  readonly values: number | null
  /** One is picked for each operation, so that repetition is weight. */
  readonly mix: readonly RegisterInput['type'][]
}

/** An operation on its way: called, then in effect (it has its output), then returned. */
interface Flight {
  readonly id: number
  readonly input: RegisterInput
  output: RegisterOutput | null
}

/**
 * The history of clients that use a true atomic register: each operation takes effect at one random moment between its call and its
 * return, so it is linearizable. Half of those whose outcome stays unknown take effect, possibly long after.
 */
export function atomicHistory(prng: Prng, workload: Workload): RegisterOperation[] {
  let now = 0
  const recorder = new HistoryRecorder<RegisterInput, RegisterOutput>(() => now)
  const flights: (Flight | null)[] = Array.from({ length: workload.clients }, () => null)
  const lost: Flight[] = []
  let held: number | null = null
  let called = 0

  function takeEffect(flight: Flight): void {
    flight.output = answerOfRegister(held, flight.input)
    held = flight.output.value
  }
  while (called < workload.operations || flights.some((flight) => flight !== null)) {
    now++
    if (lost.length > 0 && prng.chance(0.05)) takeEffect(lost.splice(prng.between(0, lost.length - 1), 1)[0] as Flight)
    const client = prng.between(0, workload.clients - 1)
    const flight = flights[client]
    if (flight === null || flight === undefined) {
      if (called === workload.operations) continue
      const input = randomInput(prng, workload, { held, fresh: ++called })
      flights[client] = { id: recorder.call({ client: `c${client}`, key: workload.key, input }), input, output: null }
    } else if (flight.output === null) {
      if (!prng.chance(workload.unknown)) takeEffect(flight)
      else {
        flights[client] = null
        if (prng.chance(0.5)) lost.push(flight)
      }
    } else {
      recorder.returned(flight.id, flight.output)
      flights[client] = null
    }
  }
  return [...recorder.operations()]
}

function randomInput(prng: Prng, workload: Workload, { held, fresh }: { held: number | null; fresh: number }): RegisterInput {
  const value = workload.values === null ? fresh * 1000 : prng.between(1, workload.values)
  const type = prng.pick(workload.mix)
  switch (type) {
    case 'read':
      return { type }
    case 'write':
      return { type, value }
    case 'add':
      return { type, by: prng.between(1, 3) }
    case 'compare-and-set':
      return { type, expected: prng.chance(0.7) ? held : value, value }
    default:
      return unreachable(type)
  }
}
