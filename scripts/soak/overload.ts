import { startedClusters } from '#test/harness/nine-nodes.ts'
import type { Service } from '#test/harness/nine-nodes.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { Generator } from './generator.ts'
import { kindsOf } from './kinds.ts'
import type { MemorySample } from './memory.ts'
import { isFlat, memoryLine, sampleMemory } from './memory.ts'
import { countsLine } from './outcomes.ts'
import { heldBeside, leadersOf, waitsOf } from './standing.ts'

/**
 * Real nodes, three of each service, under twice the load that they were seen to carry, over both ways. Errors may only be those of a service that sheds load, no lock may be
 * lost and no leader change, memory must stay where it is, and soon after the load everything must go as before.
 */

const timing = { warmMs: 5_000, measureMs: 10_000, sampleMs: 5_000, recoveryMs: 10_000, promptMs: 500, promptTimes: 5 } as const
/** Of each kind of operation, while it is measured what is carried: ever more, until that brings nothing. */
const atOnce = { first: 24, last: 1_536 } as const
const factor = 2
/** A load that its own process was too slow for is not the load that was meant. */
const paceKept = 0.9

export interface Overload {
  /** What should not have been. */
  readonly wrong: readonly string[]
}

interface OverloadOptions {
  readonly seconds: number
  readonly services: readonly Service[]
  readonly say: (line: string) => void
}

export async function runOverload({ seconds: length, services, say }: OverloadOptions): Promise<Overload> {
  await using owner = new AsyncDisposableStack()
  const clusters = await startedClusters(owner, services)
  const nodes = services.flatMap((service) => clusters[service].nodes)
  const generators = (await kindsOf(clusters, owner)).map((kind) => new Generator(kind))
  const rates = await carriedBy(generators, say)
  for (const [at, { kind }] of generators.entries())
    say(`${kind.name}: carries ${(rates[at] ?? 0).toFixed(0)} a second; twice that is sent`)

  const lost = await heldBeside(clusters, owner)
  const leaders = await leadersOf(clusters)
  const memory = new MemoryLog(nodes)
  const endsAt = performance.now() + length * 1_000
  const isOver = (): boolean => performance.now() >= endsAt
  const watching = memory.watch(isOver, (seconds, line) => say(`${seconds.toFixed(0)} s: ${line}`))
  const running = generators.map((generator, at) => generator.pace(Math.max(1, factor * (rates[at] ?? 0)), isOver))
  const recovery = recovered(generators, endsAt)
  const ran = await Promise.all(running)
  const wrong = [...outcomesOf(generators, ran, say), ...loadOf(ran)]
  await watching
  for (const node of nodes) say(await waitsOf(node))
  for (const { name, ms } of await recovery) {
    say(`${name}: ${ms === null ? 'did not recover' : `as before ${ms.toFixed(0)} ms after the load`}`)
    if (ms === null || ms > timing.recoveryMs) wrong.push(`${name} had not recovered ${timing.recoveryMs} ms after the load`)
  }
  wrong.push(...lost())
  const now = await leadersOf(clusters)
  if (now !== leaders) wrong.push(`leaders have changed from\n${leaders}\nto\n${now}`)
  await memory.sample()
  return { wrong: [...wrong, ...memory.judge(say), ...nodes.filter(({ running: runs }) => !runs).map(({ id }) => `${id} has ended`)] }
}

/** All kinds at once, as the load comes; each with what it had when all of them together did the most. */
async function carriedBy(generators: readonly Generator[], say: (line: string) => void): Promise<readonly number[]> {
  const measured = (count: number, forMs: number): Promise<readonly number[]> =>
    Promise.all(generators.map((generator) => generator.capacity(count, forMs)))
  await measured(atOnce.first, timing.warmMs)
  let best: readonly number[] = []
  for (let count: number = atOnce.first; count <= atOnce.last; count *= 2) {
    const rates = await measured(count, timing.measureMs)
    say(`${count} of each kind at once: ${sum(rates).toFixed(0)} a second`)
    if (sum(rates) < enoughMore * sum(best)) return best
    best = rates
  }
  return best
}

const enoughMore = 1.05
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

type Ran = Awaited<ReturnType<Generator['pace']>>

/** What shows that it was no overload is wrong, too. */
function loadOf(ran: readonly Ran[]): readonly string[] {
  const [begun, meant] = [sum(ran.map((one) => one.begun)), sum(ran.map((one) => one.meant))]
  const shed = sum(ran.flatMap(({ outcomes }) => [...outcomes.shed.values()]))
  const share = `${((100 * begun) / meant).toFixed(0)} %`
  return [
    ...(begun < paceKept * meant ? [`only ${share} of the load that was meant was sent`] : []),
    ...(shed === 0 ? ['nothing was refused: this was no overload'] : []),
  ]
}

/** Says what became of the operations; what did not end as it may is wrong. */
function outcomesOf(generators: readonly Generator[], ran: readonly Ran[], say: (line: string) => void): readonly string[] {
  return ran.flatMap(({ begun, openMax, outcomes }, at) => {
    const name = generators[at]?.kind.name ?? ''
    const ended = `shed: ${countsLine(outcomes.shed)}; wrong: ${countsLine(outcomes.wrong)}`
    say(`${name}: ${begun} begun, ${outcomes.done} done, at most ${openMax} open; ${ended}`)
    return outcomes.wrong.size === 0 ? [] : [`${name} ended with ${countsLine(outcomes.wrong)}`]
  })
}

/** When each kind of operation was prompt again, several times in a row. */
async function recovered(
  generators: readonly Generator[],
  endsAt: number,
): Promise<readonly { readonly name: string; readonly ms: number | null }[]> {
  await rest(endsAt - performance.now())
  return Promise.all(
    generators.map(async (generator) => {
      let prompt = 0
      while (performance.now() - endsAt < 6 * timing.recoveryMs) {
        const ms = await generator.probe()
        prompt = ms !== null && ms <= timing.promptMs ? prompt + 1 : 0
        if (prompt === timing.promptTimes) return { name: generator.kind.name, ms: performance.now() - endsAt }
        await rest(20)
      }
      return { name: generator.kind.name, ms: null }
    }),
  )
}

/** The memory of every node over time. */
class MemoryLog {
  readonly #samples: ReadonlyMap<NodeProcess, MemorySample[]>
  readonly #startedAt = performance.now()

  constructor(nodes: readonly NodeProcess[]) {
    this.#samples = new Map(nodes.map((node) => [node, []]))
  }

  async sample(): Promise<void> {
    const atMs = performance.now() - this.#startedAt
    await Promise.all([...this.#samples].map(async ([node, samples]) => void samples.push(await sampleMemory(node, atMs))))
  }

  async watch(isOver: () => boolean, say: (seconds: number, line: string) => void): Promise<void> {
    for (let round = 0; !isOver(); round++) {
      await this.sample()
      const seconds = (performance.now() - this.#startedAt) / 1_000
      if (round % 6 === 0) say(seconds, [...this.#samples].map(([{ id }, samples]) => `${id} ${anonymousOf(samples.at(-1))}`).join(', '))
      await rest(timing.sampleMs)
    }
  }

  /** Says what each node had; what grew without end is wrong. */
  judge(say: (line: string) => void): readonly string[] {
    return [...this.#samples].flatMap(([{ id }, samples]) => {
      say(`${id}: ${memoryLine(samples)}`)
      return isFlat(samples) ? [] : [`the memory of ${id} went on growing`]
    })
  }
}

const anonymousOf = (sample: MemorySample | undefined): string => `${((sample?.anonymousBytes ?? 0) / 1024 / 1024).toFixed(0)} MiB`

const rest = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, ms))
  })
