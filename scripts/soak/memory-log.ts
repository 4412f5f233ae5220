import { setTimeout as rest } from 'node:timers/promises'
import type { NodeProcess } from '#test/harness/node-process.ts'
import type { MemorySample } from './memory.ts'
import { isClosed, isFlat, memoryLine, sampleMemory } from './memory.ts'

const sampleMs = 5_000
const samplesOfLine = 6

/** What every node has over time; the first sample is to be taken before there is any load, and the last when it has gone. */
export class MemoryLog {
  readonly #samples: ReadonlyMap<NodeProcess, MemorySample[]>
  readonly #startedAt = performance.now()

  constructor(nodes: readonly NodeProcess[]) {
    this.#samples = new Map(nodes.map((node) => [node, []]))
  }

  async sample(): Promise<void> {
    const atMs = performance.now() - this.#startedAt
    await Promise.all([...this.#samples].map(async ([node, samples]) => void samples.push(await sampleMemory(node, atMs))))
  }

  async watch(isOver: () => boolean, say: (line: string) => void): Promise<void> {
    for (let round = 0; !isOver(); round++) {
      await this.sample()
      const seconds = (performance.now() - this.#startedAt) / 1_000
      const now = [...this.#samples].map(([{ id }, samples]) => `${id} ${anonymousOf(samples.at(-1))}`)
      if (round % samplesOfLine === 0) say(`${seconds.toFixed(0)} s: ${now.join(', ')}`)
      await rest(sampleMs)
    }
  }

  /** Says what each node had; what grew without end is wrong. */
  judge(say: (line: string) => void): readonly string[] {
    return [...this.#samples].flatMap(([{ id }, samples]) => {
      say(`${id}: ${memoryLine(samples)}`)
      const [before, after] = [samples[0], samples.at(-1)]
      return [
        ...(isFlat(samples) ? [] : [`the memory of ${id} went on growing`]),
        ...(before === undefined || after === undefined || isClosed(before, after)
          ? []
          : [`${id} has files or connections open that it had not before`]),
      ]
    })
  }
}

const anonymousOf = (sample: MemorySample | undefined): string => `${((sample?.anonymousBytes ?? 0) / 1024 / 1024).toFixed(0)} MiB`
