import type { LoadAnswer } from './load-process.ts'

/** Makes this process a load generator: it carries out the plans that its `LoadProcess` sends, one at a time, and answers each. */
export function serveLoad(carryOut: (plan: never) => Promise<unknown>): void {
  const answerTo = async (plan: unknown): Promise<LoadAnswer<unknown>> => {
    try {
      // The types of both ends are written down in the parent, which is the same program.
      return { type: 'answered', answer: await carryOut(plan as never) }
    } catch (error) {
      return { type: 'failed', problem: error instanceof Error ? (error.stack ?? error.message) : String(error) }
    }
  }
  process.on('message', (plan) => void answerTo(plan).then((answer) => process.send?.(answer)))
  process.on('disconnect', () => process.exit())
}
