/** Asks again until the answer is yes; a failure to ask is a no. */
export async function until(what: string, ask: () => Promise<boolean> | boolean, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs
  let problem = ''
  for (;;) {
    try {
      if (await ask()) return
      problem = ''
    } catch (error) {
      // Not there yet: a node that starts refuses connections.
      problem = error instanceof Error ? `: ${error.message}` : ''
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}${problem}`)
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
  }
}

/** Asks again until the answer has been the same for so long, and gives that. */
export async function settled<Value>(what: string, ask: () => Promise<Value>, restMs: number, withinMs?: number): Promise<Value> {
  let value = await ask()
  let since = performance.now()
  await until(
    what,
    async () => {
      const now = await ask()
      if (now !== value) since = performance.now()
      value = now
      return performance.now() - since >= restMs
    },
    withinMs,
  )
  return value
}

/** Asks again and again for so long, and fails at the first no: for what must not happen. */
export async function throughout(what: string, ask: () => Promise<boolean> | boolean, forMs: number): Promise<void> {
  const end = performance.now() + forMs
  while (performance.now() < end) {
    if (!(await ask())) throw new Error(`did not hold throughout ${forMs} ms: ${what}`)
    await new Promise((resolve) => {
      setTimeout(resolve, 50)
    })
  }
}
