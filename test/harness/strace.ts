/** One system call, in seconds since 1970. */
export interface SystemCall {
  readonly name: string
  /** Everything from the bracket on, results included. */
  readonly text: string
  readonly startedAt: number
  readonly endedAt: number
}

/** Options that make what `parseTrace` reads: which thread, when, how long, and descriptors with their paths. */
export const traceOptions = ['-D', '-f', '-y', '-ttt', '-T', '-s', '65536'] as const

/** The calls of a trace in the order in which they ended; those that never did are left out. */
export function parseTrace(trace: string): readonly SystemCall[] {
  const calls: SystemCall[] = []
  /** A call that another thread's line interrupts is told in two lines. */
  const unfinished = new Map<string, { readonly startedAt: number; readonly text: string }>()
  for (const line of trace.split('\n')) {
    const [, thread = '', time = '', rest = ''] = /^(\d+)\s+(\d+\.\d+) (.*)$/s.exec(line) ?? []
    const at = Number(time)
    const [, resumedName, resumedText = ''] = /^<\.\.\. (\w+) resumed>(.*)$/s.exec(rest) ?? []
    const [, name, text = ''] = /^(\w+)(\(.*)$/s.exec(rest) ?? []
    if (resumedName !== undefined) {
      const begun = unfinished.get(thread)
      unfinished.delete(thread)
      if (begun !== undefined) calls.push({ name: resumedName, text: begun.text + resumedText, startedAt: begun.startedAt, endedAt: at })
    } else if (name !== undefined && text.endsWith('<unfinished ...>')) {
      unfinished.set(thread, { startedAt: at, text })
    } else if (name !== undefined) {
      const duration = Number(/<(\d+\.\d+)>$/.exec(text)?.[1])
      if (Number.isFinite(duration)) calls.push({ name, text, startedAt: at, endedAt: at + duration })
    }
  }
  return calls
}
