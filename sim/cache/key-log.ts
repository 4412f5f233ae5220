import { present } from '#base/assert.ts'

/** Why a key has what it has: a change that somebody asked for, what an owner had, what a home does by itself, or that its slot began anew. */
export type Cause = 'start' | 'write' | 'owner' | 'push' | EndedByMemory

/** An end that nobody asked for by the name of the key. */
type EndedByMemory = 'expire' | 'evict' | 'clear' | 'lost'

export const isEndedByMemory = (cause: Cause): cause is EndedByMemory => ends.has(cause)

const ends: ReadonlySet<Cause> = new Set<EndedByMemory>(['expire', 'evict', 'clear', 'lost'])

/** What a key had from one entry of the log to the next. */
export interface Moment {
  /** Counted from 0, where the key is absent. */
  readonly position: number
  /** As people see it; it may be shorter-lived than an entry, for many operations travel in one. */
  readonly version: string
  /** Null: absent. */
  readonly value: number | null
  readonly cause: Cause
  /** In true time, when the first replica had it. */
  readonly since: number
  /** In machine time; null when it has no end. */
  readonly endsAt: number | null
}

/** All that a key ever had, in the order of the log. */
export class KeyLog {
  readonly key: string
  readonly #moments: Moment[] = [{ position: 0, version: '0.0.0', value: null, cause: 'start', since: 0, endsAt: null }]
  readonly #byVersion = new Map<string, Moment>()
  /** The last with each value. */
  readonly #byValue = new Map<number, Moment>()
  readonly #absent: Moment[] = [this.last]

  constructor(key: string) {
    this.key = key
  }

  get last(): Moment {
    return present(this.#moments.at(-1), 'a key begins absent')
  }

  add(moment: Omit<Moment, 'position'>): Moment {
    const added = { ...moment, position: this.#moments.length }
    this.#moments.push(added)
    this.#byVersion.set(added.version, added)
    if (added.value === null) this.#absent.push(added)
    else this.#byValue.set(added.value, added)
    return added
  }

  of(version: string): Moment | null {
    return this.#byVersion.get(version) ?? null
  }

  /** For who is told of no version: no two writes have the same value. */
  with(value: number): Moment | null {
    return this.#byValue.get(value) ?? null
  }

  before({ position }: Moment): Moment {
    return present(this.#moments[position - 1], 'what was added came after something')
  }

  some(is: (moment: Moment) => boolean): boolean {
    return this.#moments.some(is)
  }

  /** The beginning does not count. */
  filter(is: (moment: Moment) => boolean): readonly Moment[] {
    return this.#moments.filter((moment) => moment.position > 0 && is(moment))
  }

  /** The first; null when there is none. The beginning does not count. */
  find(is: (moment: Moment) => boolean): Moment | null {
    return this.#moments.find((moment) => moment.position > 0 && is(moment)) ?? null
  }

  /** The last; null when there is none. The beginning does not count. */
  findLast(is: (moment: Moment) => boolean): Moment | null {
    return this.#moments.findLast((moment) => moment.position > 0 && is(moment)) ?? null
  }

  /** The first moment from there on at which the key was absent. */
  absentFrom(position: number): Moment | null {
    const before = this.#absent.findLastIndex((moment) => moment.position < position)
    return this.#absent[before + 1] ?? null
  }
}
