import { present } from '#base/assert.ts'
import { queueLimits } from '#core/queue/limits.ts'
import { formatMessageId } from '#core/queue/message-id.ts'
import { decodeCommand } from '#core/queue/command-codec.ts'
import type { QueueDefinition } from '#core/queue/types.ts'
import { partitionOf } from '#core/ring/partition.ts'
import { PlainModel } from '#core/queue/plain-model.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { MessageEnd, MessageRecord } from './message-record.ts'
import { SlotLedger } from './slot-ledger.ts'
import type { AppliedCommand, ReadyPartition } from './slot-ledger.ts'

/** Whose log it is. */
export interface SlotOf {
  readonly clusterId: string
  readonly slot: number
}

/**
 * All messages of all slots, and what became of each (`slot-ledger.ts`). Beyond one slot: what left its queue for another was there first, with
 * the same body; and all messages of a key are in one partition.
 */
export class Ledger {
  readonly totals = { forwarded: 0, dropped: 0, expired: 0, purged: 0, deleted: 0, acknowledged: 0, cancelled: 0 }
  readonly #now: () => number
  readonly #slots = new Map<number, SlotLedger>()
  readonly #messages = new Map<string, MessageRecord>()
  /** By body, those that producers brought. */
  readonly #byBody = new Map<string, MessageRecord[]>()
  /** By the id that they had, those that came from another queue. */
  readonly #copies = new Map<string, MessageRecord[]>()
  /** When a queue forgot ids for good: in true time, by name. */
  readonly #forgot = new Map<string, number>()
  readonly #definitions = new Map<number, QueueDefinition>()

  constructor(now: () => number) {
    this.#now = now
  }

  applied({ clusterId, slot }: SlotOf, applied: AppliedCommand): void {
    let ledger = this.#slots.get(slot)
    if (ledger === undefined) {
      const listener = { enqueued: (record: MessageRecord) => this.#enqueued(record), ended: this.#ended }
      ledger = new SlotLedger(new PlainModel({ clusterId, slot }, queueLimits), this.#now, listener)
      this.#slots.set(slot, ledger)
    }
    this.#noteForgotten(applied.bytes)
    ledger.applied(applied)
  }

  message(id: string): MessageRecord | undefined {
    return this.#messages.get(id)
  }

  /** Brought by producers, not by dead letters. */
  withBody(body: Uint8Array): readonly MessageRecord[] {
    return this.#byBody.get(textOf(body)) ?? []
  }

  /** What names the messages of its key, of which one may be in flight at a time; null without a key. */
  keyOf(id: string): string | null {
    const record = this.#messages.get(id)
    if (record === undefined || record.message.key === null) return null
    return `${record.generation}/${record.message.key}`
  }

  /** Whether the queue was purged or deleted since then. */
  forgotSince(queue: string, at: number): boolean {
    return (this.#forgot.get(queue) ?? -Infinity) >= at
  }

  /** The partitions of the queue that have something to deliver. */
  readyIn(queue: string): readonly ReadyPartition[] {
    return [...this.#slots.values()].flatMap((slot) => slot.readyIn(queue))
  }

  countsOf(queue: string): QueueCounts {
    const counts = { ready: 0, in_flight: 0, delayed: 0, dead: 0, dead_pending: 0 }
    for (const slot of this.#slots.values()) for (const state of slot.statesIn(queue)) counts[countOf[state]]++
    return counts
  }

  /** Which queues slots know, and how they are set there. */
  get definitions(): readonly (QueueDefinition & { readonly slot: number })[] {
    return [...this.#slots].flatMap(([slot, ledger]) => [...ledger.definitions].map((definition) => ({ ...definition, slot })))
  }

  /** Those that are not over. */
  get alive(): readonly MessageRecord[] {
    return [...this.#slots.values()].flatMap((slot) => [...slot.alive])
  }

  get sums(): Readonly<Record<string, number>> {
    const sum = (name: 'commands' | 'enqueued' | 'leases' | 'compared'): number =>
      [...this.#slots.values()].reduce((total, { totals }) => total + totals[name], 0)
    return { ...this.totals, commands: sum('commands'), enqueued: sum('enqueued'), leases: sum('leases'), compared: sum('compared') }
  }

  #noteForgotten(bytes: Uint8Array): void {
    const command = decodeCommand(bytes)
    if (!command.ok) return
    if (command.value.type === 'configure') this.#definitions.set(command.value.queue.generation, command.value.queue)
    const generation =
      command.value.type === 'delete-queue'
        ? command.value.generation
        : command.value.type === 'purge'
          ? command.value.queue.generation
          : null
    const name = generation === null ? undefined : this.#definitions.get(generation)?.name
    if (name !== undefined) this.#forgot.set(name, this.#now())
  }

  #enqueued(record: MessageRecord): void {
    this.#messages.set(record.text, record)
    const { dedupeId, body, key } = record.message
    const { partitions } = present(this.#definitions.get(record.generation), 'a queue is opened before it takes messages')
    if (key !== null && partitionOf(key, partitions) !== record.partition)
      throw new Violation(
        `${record.text} of key ${key} is in partition ${record.partition} of ${record.queue}, and others of that key are not`,
      )
    const original = dedupeId === null ? undefined : this.#messages.get(dedupeId)
    if (original === undefined) {
      push(this.#byBody, textOf(body), record)
      return
    }
    push(this.#copies, original.text, record)
    if (textOf(original.message.body) !== textOf(body)) throw new Violation(`${record.text} came from ${original.text} with another body`)
    const { source } = record.message
    if (source !== null && formatMessageId(source.id) !== original.text)
      throw new Violation(`${record.text} says that it was ${formatMessageId(source.id)}, and it was ${original.text}`)
  }

  readonly #ended = (record: MessageRecord, how: MessageEnd): void => {
    this.totals[how]++
    if (how === 'forwarded' && !this.#copies.has(record.text))
      throw new Violation(`${record.text} of ${record.queue} left for another queue, and no queue has it`)
  }
}

/** As people see them. */
export interface QueueCounts {
  readonly ready: number
  readonly in_flight: number
  readonly delayed: number
  readonly dead: number
  readonly dead_pending: number
}

const countOf = { ready: 'ready', leased: 'in_flight', scheduled: 'delayed', dead: 'dead', moving: 'dead_pending' } as const

export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const others = map.get(key)
  if (others === undefined) map.set(key, [value])
  else others.push(value)
}
