import type { LockMode } from '#core/lock/types.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { Beliefs } from '#sim/lock/beliefs.ts'
import type { Ledger } from '#sim/lock/ledger.ts'

/** A lock as the library hands it out. */
export interface HandedOut {
  readonly name: string
  readonly mode: LockMode
  readonly fencingToken: number
  readonly signal: AbortSignal
  /** What a process asks that does not wait for its signal; null for a role, of which it has nothing else. */
  readonly isHeld: (() => boolean) | null
}

/** One lock at the service, however many times its owner was given it. */
interface Held {
  readonly client: string
  readonly resource: string
  /** With what ends each. */
  readonly handles: Map<HandedOut, () => void>
}

/**
 * What one process believes to hold: from when it is told, until it gives that back or the signal aborts. One that stands still believes
 * nothing; when it goes on, what it asks first and the signals of its first turn must say the truth.
 */
export class HeldLocks {
  readonly #process: string
  readonly #beliefs: Beliefs
  readonly #ledger: Pick<Ledger, 'grant'>
  readonly #held = new Map<string, Held>()

  constructor(process: string, { beliefs, ledger }: { readonly beliefs: Beliefs; readonly ledger: Pick<Ledger, 'grant'> }) {
    this.#process = process
    this.#beliefs = beliefs
    this.#ledger = ledger
  }

  /** To be called with what this returns before the lock is given back. */
  told(lock: HandedOut): () => void {
    const { name: resource, mode, fencingToken: token, signal } = lock
    const record = this.#ledger.grant(token)
    if (record?.client.startsWith(`${this.#process}/`) !== true)
      throw new Violation(`${this.#process} is told that it holds ${resource} by token ${token}, which the log does not say`)
    const { client, session } = record
    if (signal.aborted) return () => {}
    const key = `${client} ${resource}`
    const held = this.#held.get(key) ?? { client, resource, handles: new Map() }
    this.#held.set(key, held)
    // What is left without a word is over when the signal says so.
    const letGo = (): void => {
      signal.removeEventListener('abort', letGo)
      if (!held.handles.delete(lock) || held.handles.size > 0) return
      this.#held.delete(key)
      this.#beliefs.letGo(client, resource)
    }
    signal.addEventListener('abort', letGo)
    held.handles.set(lock, letGo)
    this.#beliefs.granted({ client, resource, mode, token, session, until: Infinity, sentAt: 0 })
    return letGo
  }

  pause(): void {
    for (const { client, resource } of this.#held.values()) this.#beliefs.trusts(client, resource, 0)
  }

  /** In the first moment after a pause, before anything else has been done. */
  lookAtAll(): void {
    for (const { client, resource, handles } of this.#held.values()) {
      const isHeld = [...handles.keys()].some((lock) => lock.isHeld?.() === true)
      if (isHeld) this.#beliefs.trusts(client, resource, Infinity)
    }
  }

  /** At the end of the first turn after a pause. */
  resume(): void {
    for (const { client, resource } of this.#held.values()) this.#beliefs.trusts(client, resource, Infinity)
  }

  /** The process is dead. */
  forget(): void {
    for (const { handles } of this.#held.values()) for (const letGo of handles.values()) letGo()
  }
}
