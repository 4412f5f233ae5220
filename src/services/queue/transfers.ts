import type { Message, MessageId } from '#core/queue/types.ts'
import { formatMessageId } from '#core/queue/message-id.ts'
import type { Transfer } from '#core/queue/queries.ts'
import { transfersDue } from '#core/queue/queries.ts'
import type { QueueState } from '#core/queue/state.ts'
import { partitionOf } from '#core/ring/partition.ts'
import type { Bodies } from './bodies.ts'
import { queueServiceLimits as limits } from './limits.ts'
import type { QueueCalls } from './queue-calls.ts'

export interface TransfersPorts {
  readonly calls: QueueCalls
  readonly bodies: Bodies
  /** The state of the replica here, if it leads. */
  readonly ledState: (group: number) => QueueState | null
}

/**
 * Brings dead letters of the slots that this node leads to the queues they go to: at least once, and once within the dedupe window of the
 * target, under the id that they had. A target that refuses is tried again, ever more seldom (decision Q11). What is to be sent back and came from
 * nowhere stays.
 */
export class Transfers {
  readonly #ports: TransfersPorts
  /** On their way, by slot. */
  readonly #moving = new Map<number, Set<string>>()
  /** How often each was refused, by slot. */
  readonly #refusals = new Map<number, Map<string, number>>()

  constructor(ports: TransfersPorts) {
    this.#ports = ports
  }

  look(group: number): void {
    const state = this.#ports.ledState(group)
    // What was purged or sent back meanwhile is remembered too; all that is forgotten is tried a little sooner once.
    if (state === null || (this.#refusals.get(group)?.size ?? 0) > limits.refusalsKept) this.#refusals.delete(group)
    if (state === null || state.outbox.size === 0) return
    const moving = this.#moving.get(group) ?? new Set()
    this.#moving.set(group, moving)
    for (const transfer of transfersDue(state)) {
      if (moving.size >= limits.transfersAtOnce) return
      const id = formatMessageId(transfer.id)
      if (moving.has(id)) continue
      moving.add(id)
      void this.#move(group, transfer, id).finally(() => {
        moving.delete(id)
        this.look(group)
      })
    }
  }

  async #move(group: number, transfer: Transfer, id: string): Promise<void> {
    const message = await this.#read(group, transfer.id)
    const target = transfer.deadLetterQueue ?? message?.source?.queue ?? null
    const path = this.#ports.calls.path(group)
    const ids = [transfer.id]
    const isFromNowhere = message !== null && target === null
    const taken = message !== null && target !== null && (await this.#bring(message, transfer, target))
    const refusals = this.#refusals.get(group) ?? new Map<string, number>()
    if (taken || isFromNowhere) {
      refusals.delete(id)
      await path.submit({ type: taken ? 'forwarded' : 'return', ids })
      return
    }
    const before = refusals.get(id) ?? 0
    this.#refusals.set(group, refusals.set(id, before + 1))
    await path.submit({ type: 'postpone', ids, delayMs: Math.min(limits.transferRetryMs * 2 ** before, limits.transferRetryMsMax) })
  }

  #read(group: number, id: MessageId): Promise<Message | null> {
    return new Promise((resolve) => this.#ports.bodies.read(group, [id], ([message = null]) => resolve(message)))
  }

  async #bring(
    message: Message,
    { id, name, deadLetterQueue, reason, delivered, failed }: Transfer,
    target: Transfer['name'],
  ): Promise<boolean> {
    const { calls } = this.#ports
    const found = await calls.find(target, true)
    if (!found.ok) return false
    const source = deadLetterQueue === null ? null : { queue: name, id, reason, delivered, failed }
    const letter: Message = { ...message, delay: { type: 'none' }, ttlMs: null, dedupeId: formatMessageId(id), source }
    // Where others of its key are; without one always the same, so that the target knows it a second time.
    const partition = message.key === null ? 0 : partitionOf(message.key, found.value.definition.partitions)
    const answered = await calls.submit(found.value, partition, (queue) => ({ type: 'produce', queue, producer: null, messages: [letter] }))
    return answered.ok && answered.value.type === 'produced' && answered.value.results[0]?.type !== 'refused'
  }
}
