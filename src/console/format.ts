/** Numbers and times for eyes. */

const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const

/** `4 s`, `2 min`, `3 h`; never negative. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000
  const unit = units.find(([, size]) => seconds >= size)
  if (unit === undefined) return `${Math.ceil(seconds)} s`
  return `${Math.floor(seconds / unit[1])} ${unit[0]}`
}

/** `999`, `12.3 k`, `4 M`. */
export function amount(value: number): string {
  if (value < 1_000) return String(Math.round(value))
  if (value < 999_950) return `${trimmed(value / 1_000)} k`
  return `${trimmed(value / 1_000_000)} M`
}

/** Per second. */
export const rate = (value: number): string => (value >= 100 ? amount(value) : trimmed(value))

export const percent = (share: number): string => `${trimmed(share * 100)} %`

export const bytes = (value: number): string =>
  value < 1_024 ? `${value} B` : value < 1_048_576 ? `${trimmed(value / 1_024)} KiB` : `${trimmed(value / 1_048_576)} MiB`

const trimmed = (value: number): string => value.toFixed(1).replace(/\.0$/, '')

/** `12:04:09`. */
export function clockTime(instant: string): string {
  const date = new Date(instant)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

/** The plural of a word that only gets an s. */
export const counted = (count: number, word: string): string => `${amount(count)} ${word}${count === 1 ? '' : 's'}`
