import { Prng } from '#base/prng.ts'
import type { Agent } from '#core/cache/agent.ts'
import type { ReplyBody, ToAgent } from '#core/cache/messages.ts'
import type { Handle, Key } from '#core/cache/types.ts'
import { agentId, agentSession, cacheKey, grant, homeTerm, requestNumber, slotId } from '#core/cache/types.ts'
import { LeaseClock } from '#io/lease-clock.ts'
import { systemClock } from '#io/system-clock.ts'
import { Cache } from '#sdk/cache/cache.ts'
import { CacheAgent } from '#sdk/cache/cache-agent.ts'
import { JsonValue } from '#sdk/cache/json-value.ts'
import { Endpoints } from '#sdk/endpoints.ts'
import { decodeBus, encodeBus } from '#wire/cache-bus.ts'

const [slot, term, session] = [slotId(1), homeTerm(1), agentSession(1)]
const to = agentId('app')

const never = (): never => {
  throw new Error('there is nobody to speak with')
}

/** The agent of an application that owns a line for each key, as it is in the library, but without any link: whoever has it says what its home would. */
export class LoneAgent {
  readonly clock = new LeaseClock()
  readonly cache: Cache<string>
  readonly #agent: CacheAgent
  readonly #handle: Handle

  constructor(keys: readonly string[], valueOf: (at: number) => string) {
    const entropy = { hex: (bytes: number) => '0'.repeat(2 * bytes) }
    this.#agent = new CacheAgent(
      { clock: systemClock, leaseClock: this.clock, prng: new Prng(1), entropy, dialer: { dial: never } },
      {
        endpoints: new Endpoints(['127.0.0.1:1'], 'cache'),
        software: 'bench',
        timeoutMs: 1_000,
        linesMax: keys.length,
        bytesMax: keys.length * 1_000,
        up: () => {},
        failed: () => {},
        closed: () => {},
      },
    )
    this.cache = new Cache<string>({ agent: this.#agent, clock: this.clock, namespace: '', ack: 'replicated' })
    this.#handle = this.#agent.newHandle()
    this.#agent.host.homeIs(slot, term, 'home')
    for (const key of keys) this.#agent.host.read({ slot, key: cacheKey(key), handle: this.#handle }, false, () => {})
    this.#hear({ type: 'opened', slot, term, session, nonce: 1, sentAt: this.clock.now() })
    for (const [at, key] of keys.entries()) {
      const number = grant(at + 1)
      const copy = { value: JsonValue.of(valueOf(at)), version: { term, grant: number, sequence: 0 }, ttlMs: null }
      this.#hear(replyTo(at + 1, cacheKey(key), { type: 'granted', rights: 'exclusive', grant: number, copy }))
    }
  }

  get agent(): Agent {
    return this.#agent.agent
  }

  /** Of its lines. */
  get handle(): Handle {
    return this.#handle
  }

  /** The lease goes on from now. */
  renew(): void {
    this.#hear({ type: 'renewed', slot, term, session, sentAt: this.clock.now() })
  }

  /** Has all dirty lines flushed, each in a message as it would be sent. Returns the answers as they would come. */
  flush(): readonly Uint8Array[] {
    const { state } = this.agent
    const dirty = [...state.dirty.keys()]
    const first = state.lastNumber + 1
    this.#agent.host.flush()
    return dirty.map(({ key, grant: number, sequence }, at) =>
      encodeBus([{ type: 'to-agent', to, message: replyTo(first + at, key, { type: 'flushed', grant: number, sequence }) }]),
    )
  }

  /** What came by the network. */
  hear(content: Uint8Array): void {
    const decoded = decodeBus(content)
    if (!decoded.ok) throw new Error(decoded.error)
    const [said] = decoded.value
    if (said?.type !== 'to-agent') throw new Error('nothing that an agent is told')
    this.#hear(said.message)
  }

  #hear(message: ToAgent): void {
    this.#agent.host.receive(message)
  }
}

const replyTo = (number: number, key: Key, body: ReplyBody): ToAgent => {
  return { type: 'reply', slot, term, session, number: requestNumber(number), key, body }
}
