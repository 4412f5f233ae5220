import { present } from '#base/assert.ts'
import { slotOf } from '#core/ring/partition.ts'
import { Violation } from '#sim/checks/violation.ts'
import { change, readKey, remove } from '#sim/cache/changes.ts'
import type { ClientPorts } from '#sim/cache/client-ports.ts'
import { sequentialOutcomes, textOf } from './outcomes.ts'
import type { Program, Step } from './programs.ts'
import { programs } from './programs.ts'
import type { Seat } from './seat.ts'
import { NodeSeat } from './seat.ts'

/** What a runner of litmus tests needs besides what every client has. */
export interface LitmusPorts {
  /** A client of its own for each thread. */
  readonly thread: (name: string) => ClientPorts
  /** Of programs that use the library and live. */
  readonly seats: () => readonly Seat[]
  readonly slots: number
}

const allowed = new Map(programs.map((program) => [program.name, sequentialOutcomes(program)]))

/** One litmus test after the other, each with keys of its own, and with its threads at different nodes and programs. */
export async function runLitmus(ports: ClientPorts, { thread, seats, slots }: LitmusPorts): Promise<void> {
  const { actor, nodes, options, isOver, did } = ports
  for (let round = 1; ; round++) {
    await actor.think(options.litmusThinkMs)
    if (isOver()) return
    const program = actor.prng.pick(programs)
    const name = `${actor.id}-${round}`
    const keys = new Map(['x', 'y'].map((variable, at) => [variable, keyOf(`${name}-${variable}`, (at % slots) + 1, slots)]))
    const atNodes = nodes().map((node) => (at: number) => new NodeSeat(thread(`${name}-t${at}`), node))
    const places = actor.prng.shuffle([...atNodes, ...seats().map((seat) => () => seat)])
    const shown = await attempt({ ports, program, keys, seat: (at) => present(places[at % places.length], 'there are nodes')(at) })
    // What nobody needs any more would be in every snapshot.
    for (const key of keys.values()) await change(ports, remove(key, null))
    if (shown === null) continue
    did(`litmus-${program.name}`)
    if (allowed.get(program.name)?.has(shown) !== true)
      throw new Violation(
        `litmus test ${program.name} shows ${shown}, which no order of its steps explains (${[...keys.values()].join(', ')})`,
      )
  }
}

interface Attempt {
  readonly ports: ClientPorts
  readonly program: Program
  readonly keys: ReadonlyMap<string, string>
  /** For each thread. */
  readonly seat: (at: number) => Seat
}

/** Null when it is not known what all of its steps came to. */
async function attempt({ ports, program: { threads, finals }, keys, seat: seatFor }: Attempt): Promise<string | null> {
  const { actor } = ports
  const runners = threads.map((steps, at) => ({ seat: seatFor(at), script: { keys, steps, delayMs: actor.prng.float() * 3 } }))
  // A copy that is there already is the one that may be stale.
  if (actor.prng.chance(0.7)) await Promise.all(runners.map(({ seat }) => seat.carryOut(() => warm(seat, keys))))
  const reads = await Promise.all(runners.map(({ seat, script }) => seat.carryOut(() => run(seat, script))))
  const known = reads.filter((each) => each !== null)
  if (known.length < reads.length) return null
  const last = new Map<string, number>()
  for (const name of finals) {
    const read = await readKey(ports, keys.get(name) ?? name)
    if (read === null) return null
    last.set(name, read.value ?? 0)
  }
  return textOf({ reads: known, finals: last })
}

interface Script {
  readonly keys: ReadonlyMap<string, string>
  readonly steps: readonly Step[]
  readonly delayMs: number
}

async function warm(seat: Seat, keys: Script['keys']): Promise<null> {
  for (const key of keys.values()) await seat.read(key)
  return null
}

async function run(seat: Seat, { keys, steps, delayMs }: Script): Promise<readonly number[] | null> {
  const reads: number[] = []
  await seat.sleep(delayMs)
  for (const step of steps) {
    if (step.type === 'read') {
      const read = await seat.read(keys.get(step.from) ?? step.from)
      if (read === null) return null
      reads.push(read.value ?? 0)
    } else if (!(await seat.write(keys.get(step.to) ?? step.to, step.value))) return null
  }
  return reads
}

/** A key of that slot. */
function keyOf(name: string, slot: number, slots: number): string {
  for (let number = 0; ; number++) if (slotOf(`${name}${number}`, 0, slots) === slot) return `${name}${number}`
}
