import type { NodeKey, TransportHandlers } from '#ports/transport.ts'
import type { PeerMessage } from '#wire/peer-message.ts'

export type TransportEvent =
  | { readonly type: 'message'; readonly from: NodeKey; readonly message: PeerMessage }
  | { readonly type: 'up'; readonly peer: NodeKey }
  | { readonly type: 'down'; readonly peer: NodeKey; readonly reason: string }

/** Handlers that write down what they are told, and let a test wait for it. */
export class Recorder implements TransportHandlers {
  readonly events: TransportEvent[] = []
  /** Called with each event as it comes. */
  readonly #watchers = new Set<() => void>()

  message(from: NodeKey, message: PeerMessage): void {
    this.#record({ type: 'message', from, message })
  }

  up(peer: NodeKey): void {
    this.#record({ type: 'up', peer })
  }

  down(peer: NodeKey, reason: string): void {
    this.#record({ type: 'down', peer, reason })
  }

  get messages(): readonly PeerMessage[] {
    return this.events.flatMap((event) => (event.type === 'message' ? [event.message] : []))
  }

  /** Ids of the numbered requests among the messages, in order. */
  get ids(): readonly number[] {
    return this.messages.flatMap((message) => (message.type === 'request' ? [message.id] : []))
  }

  get downs(): readonly string[] {
    return this.events.flatMap((event) => (event.type === 'down' ? [event.reason] : []))
  }

  isUp(name: string): boolean {
    const last = this.events.findLast((event) => event.type !== 'message' && event.peer.name === name)
    return last?.type === 'up'
  }

  /** Resolves as soon as the condition holds; rejects, saying what was waited for, when it does not for too long. */
  until(what: string, holds: () => boolean, limitMs = 8_000): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const settle = (conclude: () => void): void => {
        clearTimeout(timer)
        this.#watchers.delete(watch)
        conclude()
      }
      const watch = (): void => {
        if (holds()) settle(resolve)
      }
      const timer = setTimeout(() => settle(() => reject(new Error(`waited ${limitMs} ms for ${what}`))), limitMs)
      this.#watchers.add(watch)
    })
  }

  #record(event: TransportEvent): void {
    this.events.push(event)
    for (const watch of this.#watchers) watch()
  }
}
