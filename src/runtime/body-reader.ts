import type { Entry, LogIndex } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'
import { entryBytes } from '#core/raft/log.ts'
import type { PeerRequest, PeerResponse } from '#wire/peer-message.ts'
import { readAppliedEntry } from './applied-entry.ts'
import type { Group } from './group.ts'
import type { GroupHost } from './group-host.ts'
import { runtimeLimits as limits } from './limits.ts'
import { refusal } from './refusal.ts'
import type { LiveBodies } from './state-machine.ts'

type BodiesRequest = Extract<PeerRequest, { type: 'bodies' }>
type Respond = (response: PeerResponse) => void

/**
 * Answers a replica that receives a snapshot: the next entries that the machine needs, as of what was applied here. That may be less than the snapshot
 * needs, for messages are settled meanwhile. The asker comes to know of that before it can lead: who settled them is committed, and whoever leads
 * has all that is committed.
 *
 * Who has not applied what the asker wants to know about would leave out what it does not know of, and refuses; so does who has not got
 * an entry that it needs itself.
 */
export function readBodies(group: Group, host: GroupHost, { after, upTo }: BodiesRequest, respond: Respond): void {
  const { applier } = group
  const { bodies } = applier.machine.machine
  if (bodies === null || applier.last.index < upTo)
    respond(refusal('not-caught-up', `group ${group.id} is not applied up to ${upTo} here`, group))
  else new Reading({ group, host, bodies, respond }, { after, upTo }).next()
}

interface ReadingParts {
  readonly group: Group
  readonly host: GroupHost
  readonly bodies: LiveBodies
  readonly respond: Respond
}

class Reading {
  readonly #parts: ReadingParts
  readonly #epoch: number
  readonly #indexes: readonly LogIndex[]
  /** Up to where there is nothing but these. */
  readonly #upTo: LogIndex
  readonly #entries: Entry[] = []
  #asked = 0
  #bytes = 0

  constructor(parts: ReadingParts, range: { readonly after: LogIndex; readonly upTo: LogIndex }) {
    this.#parts = parts
    this.#epoch = parts.group.epoch
    const found = firstOf(parts.bodies, range)
    this.#indexes = found.slice(0, limits.bodiesEntriesMax)
    this.#upTo = found.length > this.#indexes.length ? (this.#indexes.at(-1) as LogIndex) : range.upTo
  }

  /** A few at a time: as many as seem to find room, so that large ones do not fill the memory. */
  next(): void {
    if (this.#asked === this.#indexes.length) {
      this.#parts.respond({ type: 'bodies', upTo: this.#upTo, entries: this.#entries })
      return
    }
    const bytesEach = this.#entries.length === 0 ? limits.bodiesBytesMax : this.#bytes / this.#entries.length
    const room = Math.ceil((limits.bodiesBytesMax - this.#bytes) / bytesEach)
    const share = this.#indexes.slice(this.#asked, this.#asked + Math.min(room, limits.bodiesReadsMax))
    this.#asked += share.length
    const read: (Entry | null)[] = share.map(() => null)
    let left = share.length
    for (const [place, index] of share.entries()) {
      this.#read(index, (entry) => {
        read[place] = entry
        if (--left === 0) this.#take(share, read)
      })
    }
  }

  #read(index: LogIndex, done: (entry: Entry | null) => void): void {
    const { group, host } = this.#parts
    readAppliedEntry({ group, store: host.store }, { id: group.id, index }, (entry) => {
      if (entry !== null && 'type' in entry) host.post(() => host.storageFailed(entry))
      else done(entry)
    })
  }

  #take(share: readonly LogIndex[], read: readonly (Entry | null)[]): void {
    const { group, host, respond } = this.#parts
    host.post(() => {
      if (group.epoch !== this.#epoch) return
      for (const [place, entry] of read.entries()) {
        if (entry === null && this.#isLive(share[place] as LogIndex)) {
          respond(refusal('not-caught-up', `a body that is needed is not in the store of ${group.raft.self}`, group))
          return
        }
        if (entry === null) continue
        this.#entries.push(entry)
        this.#bytes += entryBytes(entry)
      }
      if (this.#bytes >= limits.bodiesBytesMax) respond({ type: 'bodies', upTo: share.at(-1) as LogIndex, entries: this.#entries })
      else this.next()
    })
  }

  /** Now: it may have died since, and left the store. */
  #isLive(index: LogIndex): boolean {
    for (const _ of this.#parts.bodies.live(index, index)) return true
    return false
  }
}

/** One more than an answer holds, if there are. */
function firstOf(bodies: LiveBodies, { after, upTo }: { readonly after: LogIndex; readonly upTo: LogIndex }): LogIndex[] {
  const found: LogIndex[] = []
  for (const { from, to } of bodies.live(logIndex(after + 1), upTo)) {
    for (let index = from; index <= to; index = logIndex(index + 1)) {
      found.push(index)
      if (found.length > limits.bodiesEntriesMax) return found
    }
  }
  return found
}
