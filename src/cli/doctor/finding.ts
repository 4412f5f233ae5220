/** What a check found. `skipped`: there was nothing to look at. */
export interface Finding {
  readonly check: string
  readonly verdict: 'ok' | 'warning' | 'broken' | 'skipped'
  /** What was seen. */
  readonly seen: string
  /** What to do; null when there is nothing to do. */
  readonly fix: string | null
}

export const found = (check: string, seen: string): Finding => ({ check, verdict: 'ok', seen, fix: null })

/** Milliseconds as people read them. */
export const readableMs = (ms: number): string => (ms < 10 ? `${ms.toFixed(2)} ms` : `${Math.round(ms)} ms`)
