import { exitCodes } from '#cli/exit-codes.ts'
import { interruptible } from '#cli/interrupts.ts'

/** Work without an end, which is over when so many things were counted. */
export async function counted(
  max: number | undefined,
  work: (signal: AbortSignal, count: () => void) => Promise<unknown>,
): Promise<number> {
  const enough = new AbortController()
  let left = max ?? Infinity
  await interruptible(async (interrupted) => {
    const signal = AbortSignal.any([interrupted, enough.signal])
    try {
      await work(signal, () => {
        left--
        if (left <= 0) enough.abort()
      })
    } catch (error) {
      if (interrupted.aborted || !enough.signal.aborted) throw error
    }
  })
  return exitCodes.done
}
