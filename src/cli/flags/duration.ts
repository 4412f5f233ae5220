const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
type Unit = keyof typeof unitMs

/** `500ms`, `10s`, `1.5m`, `1h`, or `0`; in milliseconds, null for anything else. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0
  const [, number, unit] = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)$/.exec(text) ?? []
  if (number === undefined || unit === undefined) return null
  return Math.round(Number(number) * unitMs[unit as Unit])
}

/** In the largest unit that says it exactly: `90s`, `1m`, `500ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0'
  const unit = (['h', 'm', 's'] as const).find((candidate) => ms % unitMs[candidate] === 0) ?? 'ms'
  return `${ms / unitMs[unit]}${unit}`
}

/** What is left of something, for eyes: `59 s`, `3 min`, `2 h`. */
export function roughDuration(ms: number): string {
  const seconds = ms / 1_000
  if (seconds < 1) return `${Math.max(0, Math.round(ms))} ms`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 3_600)} h`
}
