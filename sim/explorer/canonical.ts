/** Says nothing about what can happen from here on. */
const skipped = new Set([
  // Counts and traces.
  'counters',
  'invalidated',
  'edges',
  'trace',
  'unknown',
  'values',
  'answers',
  'keepsAnswers',
  // The same in all states.
  'limits',
  'start',
  'programs',
  'rates',
  'snoops',
  'deposed',
  'leadMs',
  // Only names; who waits for what is told by where it is.
  'id',
  'lastId',
  // The order of use: there is room for all lines.
  'newer',
  'older',
  'newest',
  'used',
  'bytes',
  'dirtyBytes',
])

/** How many there were; what is called so and is no number are those that wait. */
const counts = new Set(['reads', 'writes'])

/** The `oldest` line; the oldest request that is open is a number. */
const saysNothing = (key: string, value: unknown): boolean =>
  skipped.has(key) || (counts.has(key) && typeof value === 'number') || (key === 'oldest' && typeof value !== 'number')

/** Equal for states from which the same can happen. Messages on their way are in no order. */
export function canonical(value: unknown): string {
  const parts: string[] = []
  write(value, parts, new Map())
  return parts.join('')
}

function write(value: unknown, parts: string[], seen: Map<object, number>): void {
  if (typeof value !== 'object' || value === null) {
    parts.push(String(value), ' ')
    return
  }
  const known = seen.get(value)
  if (known !== undefined) {
    parts.push('^', String(known), ' ')
    return
  }
  if (Object.isFrozen(value)) {
    parts.push(canonicalOfFrozen(value))
    return
  }
  seen.set(value, seen.size)
  writeContents(value, parts, seen)
}

/** What never changes is equal by what it is, and is in many states. */
const frozen = new WeakMap<object, string>()

function canonicalOfFrozen(value: object): string {
  const known = frozen.get(value)
  if (known !== undefined) return known
  const parts: string[] = []
  writeContents(value, parts, new Map())
  const text = parts.join('')
  frozen.set(value, text)
  return text
}

function writeContents(value: object, parts: string[], seen: Map<object, number>): void {
  if (value instanceof Map) {
    parts.push('{')
    for (const [key, item] of value) {
      write(key, parts, seen)
      write(item, parts, seen)
    }
    parts.push('}')
  } else if (value instanceof Set || Array.isArray(value)) {
    parts.push('[')
    for (const item of value) write(item, parts, seen)
    parts.push(']')
  } else writeObject(value, parts, seen)
}

function writeObject(value: object, parts: string[], seen: Map<object, number>): void {
  parts.push('(')
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key]
    if (saysNothing(key, item)) continue
    if (key === 'letters') parts.push((item as unknown[]).map(canonical).sort().join(''))
    else if (key === 'calls') parts.push([...(item as Map<number, unknown>).values()].map(canonical).sort().join(''))
    else if (key === 'ticked') parts.push([...(item as Set<string>)].sort().join(' '), ' ')
    else write(item, parts, seen)
  }
  parts.push(')')
}

/** 53 bits: two states in a million million have the same. */
export function hash(text: string): number {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return 4294967296 * (2097151 & low) + (high >>> 0)
}
