import { assert } from '#base/assert.ts'
import { RecentMap } from '#base/recent-map.ts'
import { messagesOf } from '#core/queue/bodies.ts'
import type { Message, MessageId } from '#core/queue/types.ts'
import type { Entry, LogIndex } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'
import { parseCommand } from '#wire/command.ts'
import { queueServiceLimits as limits } from './limits.ts'

/** What an entry of the log says, as its store has it; null when it is not there. */
type CommandDone = (command: Uint8Array | null) => void

export interface BodiesPorts {
  /** From the store of this node. */
  readonly readEntry: (group: number, index: LogIndex, done: (entry: Entry | null) => void) => void
  /** From the stores of others, for a replica that began with a snapshot: that holds no bodies. */
  readonly fetch: (group: number, index: LogIndex, done: CommandDone) => void
}

/** Bodies live once, in the log. This reads them there, and remembers the entries that were read last. */
export class Bodies {
  readonly #ports: BodiesPorts
  readonly #remembered = new RecentMap<string, readonly Message[]>(limits.entriesRemembered)

  constructor(ports: BodiesPorts) {
    this.#ports = ports
  }

  /** The messages under these ids, in order; null for each that could not be read. */
  read(group: number, ids: readonly MessageId[], done: (messages: readonly (Message | null)[]) => void): void {
    const entries = new Map<number, readonly Message[] | null>()
    for (const { index } of ids) entries.set(index, null)
    let left = entries.size
    const finish = (): void => done(ids.map(({ index, offset }) => entries.get(index)?.[offset] ?? null))
    if (left === 0) return finish()
    for (const index of entries.keys()) {
      this.#entry(group, logIndex(index), (messages) => {
        entries.set(index, messages)
        if (--left === 0) finish()
      })
    }
  }

  #entry(group: number, index: LogIndex, done: (messages: readonly Message[] | null) => void): void {
    const key = `${group}/${index}`
    const known = this.#remembered.get(key)
    if (known !== undefined) return done(known)
    const read = (command: Uint8Array | null): void => {
      if (command === null) return done(null)
      const messages = messagesIn(command)
      if (command.length <= limits.rememberedBytesMax) this.#remembered.set(key, messages)
      done(messages)
    }
    this.command(group, index, (command) => {
      if (command === null) this.#ports.fetch(group, index, read)
      else read(command)
    })
  }

  /** As the store of this node has it. */
  command(group: number, index: LogIndex, done: CommandDone): void {
    this.#ports.readEntry(group, index, (entry) => {
      done(entry?.payload.type === 'command' ? entry.payload.bytes : null)
    })
  }
}

function messagesIn(entry: Uint8Array): readonly Message[] {
  const command = parseCommand(entry)
  assert(command !== null, 'the log holds only well-formed commands')
  return messagesOf(command.type === 'identified' ? command.bodies : command.type === 'anonymous' ? [command.body] : [])
}
