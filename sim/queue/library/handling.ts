import type { JsonBytes } from '#api/schemas.ts'
import { LockstepError } from '#sdk/errors.ts'
import type { Message } from '#sdk/queue/message.ts'
import { refusal } from '#sim/clients/program.ts'
import type { QueueProgram } from './queue-program.ts'
import { survive } from './refusals.ts'

/** What a handler says that has failed. */
export class Failed extends Error {
  override readonly name = 'Failed'
}

type Said = 'ack' | 'nack' | 'extend'

/** One delivery in the hands of a program: what it is told of it is held against the log. */
export class Handling {
  readonly message: Message<unknown>
  readonly #program: QueueProgram
  readonly #letGo: () => void

  /** `sentAt`: when it was asked for, in true time. */
  constructor(program: QueueProgram, message: Message<unknown>, sentAt: number) {
    this.message = message
    this.#program = program
    const { id, queue, key, priority, deliveryCount, failedCount, body } = message
    const told = { message_id: id, queue, priority, delivery_count: deliveryCount, failed_count: failedCount }
    // The claims read no more of it than its bytes.
    const delivery = { ...told, message: body as JsonBytes, ...(key === null ? {} : { key }) }
    program.ports.claims.delivered(program.name, delivery, sentAt)
    this.#letGo = program.held.told(message)
  }

  /** The program does not count on it any more. */
  loosen(): void {
    this.#letGo()
  }

  async ack(): Promise<void> {
    this.#did('ack')
    await this.#settle('ack', () => this.message.ack())
  }

  async giveBack(): Promise<void> {
    const { message } = this
    const { prng } = this.#program
    const [what, call] = prng.pick([
      ['nack', () => message.nack()],
      ['nack', () => message.nack({ delayMs: prng.pick([0, 500]) })],
      ['back-off', () => message.nack({ backOff: { delayMs: 200, maxMs: 2_000 } })],
      ['release', () => message.release()],
    ] as const)
    this.#did(what)
    await this.#settle('nack', call)
  }

  async reject(): Promise<void> {
    this.#did('reject')
    await this.#settle('nack', () => this.message.reject())
  }

  async extend(): Promise<void> {
    this.#did('extend')
    const sentAt = this.#now
    const told = await this.#outcomeOf('extend', this.message.extend())
    if (told === null) this.#claims.settled(this.#delivery, 'extended', sentAt)
    else this.refused('extend', told)
  }

  /** What a refusal says of it is so. */
  refused(what: Said, error: LockstepError): void {
    if (error.code === 'stale_receipt') this.#claims.stale(this.#delivery, what)
    if (error.code === 'unknown_message') this.#claims.unknownMessage(this.message.id)
    survive(this.#program, error)
  }

  /** It was acked when its handler had returned. */
  acked(): void {
    this.#claims.settled({ ...this.#delivery, lease: null }, 'acknowledged', this.#now)
  }

  /** Whoever settles what may be another's by then learns only that it is not his any more. */
  async #settle(what: 'ack' | 'nack', call: () => Promise<void>): Promise<void> {
    const { message } = this
    const isHeld = message.isHeld
    this.#letGo()
    const sentAt = this.#now
    const told = await this.#outcomeOf(what, call())
    if (told !== null) return this.refused(what, told)
    if (what === 'ack')
      return this.#claims.settled({ ...this.#delivery, lease: isHeld ? message.deliveryCount : null }, 'acknowledged', sentAt)
    if (isHeld) this.#claims.returnedOrGone(this.#delivery, sentAt)
    return undefined
  }

  async #outcomeOf(what: Said, call: Promise<void>): Promise<LockstepError | null> {
    const told = await this.#program.bounded(what, this.#program.timeoutMs, call).catch(refusal)
    return told instanceof LockstepError ? told : null
  }

  #did(what: string): void {
    this.#program.ports.did(`library-${what}`)
  }

  get #claims(): QueueProgram['ports']['claims'] {
    return this.#program.ports.claims
  }
  get #now(): number {
    return this.#program.ports.world.scheduler.now
  }
  get #delivery(): { readonly message_id: string; readonly lease: number } {
    return { message_id: this.message.id, lease: this.message.deliveryCount }
  }
}
