import type { Program, Step } from './programs.ts'

/** What a run of a program showed: the reads of each thread in order, and the last values. */
export interface Shown {
  readonly reads: readonly (readonly number[])[]
  readonly finals: ReadonlyMap<string, number>
}

/** As text: `1 0 | 1 0; x=1`. Threads that read nothing are left out. */
export function textOf({ reads, finals }: Shown): string {
  const threads = reads.filter((each) => each.length > 0).map((each) => each.join(' '))
  const last = [...finals].map(([name, value]) => `${name}=${value}`)
  return [threads.join(' | '), ...(last.length > 0 ? [last.join(' ')] : [])].join('; ')
}

/** All that a sequentially consistent memory may show: every way to put the steps in one order that keeps that of each thread. */
export function sequentialOutcomes({ threads, finals }: Program): ReadonlySet<string> {
  const outcomes = new Set<string>()
  const follow = (at: readonly number[], memory: ReadonlyMap<string, number>, reads: readonly (readonly number[])[]): void => {
    let isOver = true
    for (const [thread, position] of at.entries()) {
      const step = threads[thread]?.[position]
      if (step === undefined) continue
      isOver = false
      const seen = step.type === 'read' ? [memory.get(step.from) ?? 0] : []
      follow(
        at.map((each, other) => (other === thread ? each + 1 : each)),
        after(memory, step),
        reads.map((each, other) => (other === thread ? [...each, ...seen] : each)),
      )
    }
    if (isOver) outcomes.add(textOf({ reads, finals: new Map(finals.map((name) => [name, memory.get(name) ?? 0])) }))
  }
  follow(
    threads.map(() => 0),
    new Map(),
    threads.map(() => []),
  )
  return outcomes
}

const after = (memory: ReadonlyMap<string, number>, step: Step): ReadonlyMap<string, number> =>
  step.type === 'write' ? new Map([...memory, [step.to, step.value]]) : memory
