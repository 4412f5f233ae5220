import type { Result } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import type { Fault } from '#api/errors.ts'
import type { Delivery } from '#api/queues/consume.ts'
import type { Items, QueueApi, SettleFault } from '#api/queues/queue-api.ts'
import type { Told } from '#sim/clients/calls.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { Held } from './claims.ts'
import type { ClientPorts } from './client-ports.ts'

type Word = 'ack' | 'nack' | 'extend'
type Answers = Told<Items<{ readonly status: string }, SettleFault>>

/** What a consumer says of the messages it has, again until it is heard; what it is told of each is held against the log. */
export class Settler {
  readonly visibilityMs: number
  readonly #ports: ClientPorts

  constructor(ports: ClientPorts, visibilityMs: number) {
    this.#ports = ports
    this.visibilityMs = visibilityMs
  }

  has(delivery: Delivery, sentAt: number): void {
    const { actor, claims, beliefs } = this.#ports
    claims.delivered(actor.id, delivery, sentAt)
    const until = actor.deadline(sentAt, this.visibilityMs)
    beliefs.told(actor.id, { id: delivery.message_id, lease: delivery.delivery_count, until })
  }

  async ack(deliveries: readonly Delivery[], { byReceipt }: { readonly byReceipt: boolean }): Promise<void> {
    const held = deliveries.map((delivery) => heldBy(delivery, byReceipt))
    await this.#say('ack', held, (queues, refs, call) => queues.ack({ refs }, call))
  }

  async nack(deliveries: readonly Delivery[], kind: 'release' | 'fail' | 'reject'): Promise<void> {
    const { actor, did } = this.#ports
    did(`nack-${kind}`)
    const held = deliveries.map((delivery) => heldBy(delivery, actor.prng.chance(0.9)))
    const delay = kind === 'reject' ? null : actor.prng.pick([null, null, 500])
    await this.#say('nack', held, (queues, refs, call) => queues.nack({ refs, kind, delay_ms: delay }, call))
  }

  /** `release`: by an extension of nothing. */
  async extend(deliveries: readonly Delivery[], { release = false }: { readonly release?: boolean } = {}): Promise<void> {
    const { actor, beliefs, did } = this.#ports
    did(release ? 'extend-by-nothing' : 'extend')
    const held = deliveries.map((delivery) => heldBy(delivery, true))
    if (release) for (const { message_id: id } of held) beliefs.leaves(actor.id, id)
    const visibility = release ? 0 : this.visibilityMs
    await this.#say('extend', held, (queues, refs, call) => queues.extend({ refs, visibility_ms: visibility }, call))
  }

  async #say(
    word: Word,
    held: readonly Held[],
    ask: (queues: QueueApi, refs: readonly Held[], call: Call) => Promise<Answers>,
  ): Promise<void> {
    const { actor, beliefs } = this.#ports
    const firstSentAt = actor.now
    let left = held
    for (let attempt = 1; left.length > 0 && attempt <= attemptsMax; attempt++) {
      if (attempt > 1) await actor.sleep(100 + actor.prng.float() * 400)
      if (word !== 'extend') for (const { message_id: id } of left) beliefs.leaves(actor.id, id)
      const refs = left
      const { told, sentAt } = await actor.call(word, (queues, call) => ask(queues, refs, call))
      if (told.ok) left = refs.filter((ref, at) => !this.#isKnown(word, ref, { result: told.value[at], sentAt, firstSentAt }))
    }
  }

  /** Whether it is clear what became of it. */
  #isKnown(word: Word, held: Held, { result, sentAt, firstSentAt }: Answer): boolean {
    const { actor, claims, beliefs, did } = this.#ports
    const { message_id: id, lease } = held
    if (result === undefined) throw new Violation(`${word} of ${id} has no answer`)
    if (result.ok) {
      const { status } = result.value
      claims.settled(held, status, firstSentAt)
      if (status === 'extended' && lease !== null)
        beliefs.extended(actor.id, { id, lease, until: actor.deadline(sentAt, this.visibilityMs) })
      did(`told-${status}`)
      return true
    }
    switch (result.error.code) {
      case 'unknown_message':
        claims.unknownMessage(id)
        beliefs.leaves(actor.id, id)
        did('told-unknown-message')
        return true
      case 'stale_receipt':
        claims.stale(held, word)
        beliefs.leaves(actor.id, id)
        did('told-stale-receipt')
        return true
      case 'not_delivered':
        throw new Violation(`${id} is told not to be delivered to who has it`)
      default:
        return false
    }
  }
}

interface Answer {
  readonly result: Result<{ readonly status: string }, Fault> | undefined
  readonly sentAt: number
  readonly firstSentAt: number
}

const heldBy = ({ message_id, delivery_count: lease }: Delivery, byReceipt: boolean): Held => ({
  message_id,
  lease: byReceipt ? lease : null,
})

const attemptsMax = 4
