import { slotOf } from '#core/ring/partition.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { SimNode } from '#sim/cluster.ts'
import { change, readKey, remove, write } from '#sim/cache/changes.ts'
import type { ClientPorts } from '#sim/cache/client-ports.ts'
import { sequentialOutcomes, textOf } from './outcomes.ts'
import type { Program, Step } from './programs.ts'
import { programs } from './programs.ts'

/** What a runner of litmus tests needs besides what every client has. */
export interface LitmusPorts {
  /** A client of its own for each thread. */
  readonly thread: (name: string) => ClientPorts
  readonly slots: number
}

const allowed = new Map(programs.map((program) => [program.name, sequentialOutcomes(program)]))

/** One litmus test after the other, each with keys of its own, and with its threads at different nodes. */
export async function runLitmus(ports: ClientPorts, { thread, slots }: LitmusPorts): Promise<void> {
  const { actor, options, isOver, did } = ports
  for (let round = 1; ; round++) {
    await actor.think(options.litmusThinkMs)
    if (isOver()) return
    const program = actor.prng.pick(programs)
    const keys = new Map(['x', 'y'].map((name, at) => [name, keyOf(`${actor.id}-${round}-${name}`, (at % slots) + 1, slots)]))
    const shown = await attempt({ ports, program, keys, thread: (at) => thread(`${actor.id}-${round}-t${at}`) })
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
  readonly thread: (at: number) => ClientPorts
}

/** Null when it is not known what all of its steps came to. */
async function attempt({ ports, program: { threads, finals }, keys, thread }: Attempt): Promise<string | null> {
  const { actor, nodes } = ports
  const places = actor.prng.shuffle(nodes())
  const runners = threads.map((steps, at) => new Thread(thread(at), { keys, steps, at: places[at % places.length] }))
  // A copy that is there already is the one that may be stale.
  if (actor.prng.chance(0.7)) await Promise.all(runners.map((runner) => runner.warm()))
  const reads = await Promise.all(runners.map((runner) => runner.run()))
  if (reads.some((each) => each === null)) return null
  const last = new Map<string, number>()
  for (const name of finals) {
    const read = await readKey(ports, keys.get(name) ?? name)
    if (read === null) return null
    last.set(name, read.value ?? 0)
  }
  return textOf({ reads: reads.map((each) => each ?? []), finals: last })
}

interface Script {
  readonly keys: ReadonlyMap<string, string>
  readonly steps: readonly Step[]
  readonly at: SimNode | undefined
}

class Thread {
  readonly #ports: ClientPorts
  readonly #script: Script

  constructor(ports: ClientPorts, script: Script) {
    this.#ports = ports
    this.#script = script
  }

  async warm(): Promise<void> {
    for (const key of this.#script.keys.values()) await readKey(this.#ports, key, this.#script.at)
  }

  async run(): Promise<readonly number[] | null> {
    const { keys, steps, at } = this.#script
    const reads: number[] = []
    await this.#ports.actor.sleep(this.#ports.actor.prng.float() * 3)
    for (const step of steps) {
      if (step.type === 'read') {
        const read = await readKey(this.#ports, keys.get(step.from) ?? step.from, at)
        if (read === null) return null
        reads.push(read.value ?? 0)
      } else {
        const wanted = write(keys.get(step.to) ?? step.to, step.value)
        const done = await change(this.#ports, wanted, at === undefined ? {} : { at })
        if (done === null) return null
      }
    }
    return reads
  }
}

/** A key of that slot. */
function keyOf(name: string, slot: number, slots: number): string {
  for (let number = 0; ; number++) if (slotOf(`${name}${number}`, 0, slots) === slot) return `${name}${number}`
}
