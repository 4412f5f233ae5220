import type { Message } from '#sdk/queue/message.ts'
import type { Belongings } from '#sim/clients/program.ts'
import type { Beliefs } from '#sim/queue/beliefs.ts'

/** A delivery as the library hands it out. */
export type HandedOut = Pick<Message<unknown>, 'id' | 'deliveryCount' | 'signal' | 'isHeld'>

/**
 * What one program believes to have to itself: from when it is handed a message until it settles that or the signal of the message aborts. One that
 * stands still believes nothing; when it goes on, what it asks first and the signals of its first turn must say the truth.
 */
export class HeldMessages implements Belongings {
  readonly #program: string
  readonly #beliefs: Beliefs
  /** With what ends each. */
  readonly #held = new Map<HandedOut, () => void>()

  constructor(program: string, beliefs: Beliefs) {
    this.#program = program
    this.#beliefs = beliefs
  }

  /** To be called with what this returns before the message is settled. */
  told(message: HandedOut): () => void {
    const { signal } = message
    if (signal.aborted) return () => {}
    const letGo = (): void => {
      signal.removeEventListener('abort', letGo)
      if (this.#held.delete(message)) this.#doubt(message)
    }
    signal.addEventListener('abort', letGo)
    this.#held.set(message, letGo)
    this.#believe(message)
    return letGo
  }

  pause(): void {
    for (const message of this.#held.keys()) this.#doubt(message)
  }

  lookAtAll(): void {
    for (const message of this.#held.keys()) if (message.isHeld) this.#believe(message)
  }

  resume(): void {
    for (const message of this.#held.keys()) this.#believe(message)
  }

  forget(): void {
    for (const letGo of this.#held.values()) letGo()
  }

  #believe(message: HandedOut): void {
    const { id, deliveryCount: lease } = message
    // What it has looked at already it believes by now.
    this.#doubt(message)
    this.#beliefs.told(this.#believer(message), { id, lease, until: Infinity })
  }

  #doubt(message: HandedOut): void {
    this.#beliefs.leaves(this.#believer(message), message.id)
  }

  /** Another delivery of the message to the same program is another's. */
  #believer({ deliveryCount }: HandedOut): string {
    return `${this.#program}, delivery ${deliveryCount}`
  }
}
