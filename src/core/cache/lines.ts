import { assert } from '#base/assert.ts'
import type { Slot } from './agent-slot.ts'
import type { CacheLimits } from './limits.ts'
import type { LineState } from './transitions.ts'
import type { Grant, Handle, HomeTerm, Key, Value, Version } from './types.ts'

/**
 * A copy of a value at an agent. A line in state I is not kept. There may be millions, so each has few fields, and no object of its own but its value: what most
 * lines do not need is kept elsewhere, a fraction in a field costs an object too, and infinity is one.
 */
export interface Line {
  readonly key: Key
  readonly slot: Slot
  state: Exclude<LineState, 'I'>
  /** Null: known to be absent. */
  value: Value | null
  /** The version of the value that memory has. */
  versionTerm: HomeTerm
  versionGrant: Grant
  versionSequence: number
  grant: Grant
  /** Of the last write under this grant. */
  sequence: number
  /** The sequence of a value at the level `owner` that memory is not known to have; 0 when there is none. */
  dirty: number
  /** The only one that may see it (decision C8); null when everybody may. */
  reader: Handle | null
  /** When to drop it: its life, shortened by what the clock may be wrong; null for never (rule 14). */
  until: number | null
  /** Since the last time that room was made. */
  used: boolean
  /** Neighbours in the order in which they would go. */
  newer: Line | null
  older: Line | null
}

export const committedVersion = ({ versionTerm: term, versionGrant, versionSequence: sequence }: Line): Version => ({
  term,
  grant: versionGrant,
  sequence,
})

export function setVersion(line: Line, { term, grant, sequence }: Version): void {
  line.versionTerm = term
  line.versionGrant = grant
  line.versionSequence = sequence
}

/**
 * All lines of an agent, within limits of number and bytes. Room is made by second chance: the oldest line goes, unless it was used since it became
 * the oldest; then it is the newest again. A hit only sets a mark, where to move the line in a list would cost more than to find it.
 */
export class Lines {
  readonly limits: CacheLimits
  readonly byKey = new Map<Key, Line>()
  newest: Line | null = null
  oldest: Line | null = null
  bytes = 0

  constructor(limits: CacheLimits) {
    this.limits = limits
  }

  /** The next to go. */
  victim(): Line | null {
    for (let line = this.oldest; line !== null; line = this.oldest) {
      if (!line.used || line === this.newest) return line
      line.used = false
      unlink(this, line)
      link(this, line)
    }
    return null
  }

  add(line: Line): void {
    assert(!this.byKey.has(line.key), 'a key has one line')
    this.byKey.set(line.key, line)
    link(this, line)
    this.bytes += lineBytes(line)
  }

  remove(line: Line): void {
    assert(this.byKey.get(line.key) === line, 'only a line that is there goes')
    this.byKey.delete(line.key)
    unlink(this, line)
    this.bytes -= lineBytes(line)
  }

  replaceValue(line: Line, value: Value | null): void {
    this.bytes += (value?.size ?? 0) - (line.value?.size ?? 0)
    line.value = value
  }

  get isOver(): boolean {
    return this.byKey.size > this.limits.linesMax || this.bytes > this.limits.lineBytesMax
  }
}

function link(lines: Lines, line: Line): void {
  line.older = lines.newest
  line.newer = null
  if (lines.newest === null) lines.oldest = line
  else lines.newest.newer = line
  lines.newest = line
}

function unlink(lines: Lines, line: Line): void {
  if (line.newer === null) lines.newest = line.older
  else line.newer.older = line.older
  if (line.older === null) lines.oldest = line.newer
  else line.older.newer = line.newer
}

/** Measured: what a line costs beside its value. */
const overheadBytes = 240

const lineBytes = ({ key, value }: Line): number => overheadBytes + 2 * key.length + (value?.size ?? 0)
