import { ok } from 'node:assert/strict'
import { millis } from '#base/brand.ts'
import { Agent } from '#core/cache/agent.ts'
import type { AgentEffects } from '#core/cache/agent-state.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import type { ReplyBody, ToAgent } from '#core/cache/messages.ts'
import { TextValue } from '#core/cache/text-value.ts'
import { agentId, agentSession, cacheKey, grant, handle, homeTerm, slotId } from '#core/cache/types.ts'
import { liveBytes } from './live-bytes.ts'
import { decodeBus, encodeBus } from '#wire/cache-bus.ts'

const home = { slot: slotId(3), term: homeTerm(2), session: agentSession(5) } as const
const id = agentId('app:1')
/** There is a fraction, as in every time. */
const now = millis(123.456)
/** Until what else takes memory has it: compiled code, for instance. */
const warmUp = 20_000

/** An agent that reads one key after the other, whose home answers by the network. */
export class AgentLines {
  readonly agent = new Agent(id, { ...cacheLimits, linesMax: 1_000_000 })
  /** What a process makes of what comes by the network. */
  readonly #received: (message: ToAgent) => ToAgent
  #lines = 0
  #bytesBefore = 0
  #measured = 0

  constructor(received: (message: ToAgent) => ToAgent) {
    this.#received = received
    this.agent.step({ type: 'home', slot: home.slot, term: home.term }, now)
    this.#read()
    const { nonce } = this.agent.state.slot(home.slot)
    this.#answer(this.#step({ type: 'opened', ...home, nonce, sentAt: now }), this.#lines++)
    this.#take(warmUp)
  }

  /** So many lines more, of which the memory is measured. */
  measure(lines: number): void {
    this.#bytesBefore = liveBytes()
    this.#measured = lines
    this.#take(lines)
  }

  /** Of each line that is measured, beside the JSON of its value. */
  get overheadBytes(): number {
    return (liveBytes() - this.#bytesBefore) / this.#measured - jsonOf(0).length
  }

  #take(lines: number): void {
    for (const end = this.#lines + lines; this.#lines < end; this.#lines++) this.#answer(this.#read(), this.#lines)
  }

  #read(): AgentEffects {
    const key = cacheKey(['users', `line:${this.#lines}`].join('\0'))
    return this.agent.step({ type: 'read', id: this.#lines, slot: home.slot, key, handle: handle(1), fill: false }, now)
  }

  #step(message: ToAgent): AgentEffects {
    return this.agent.step({ type: 'message', message }, now)
  }

  #answer({ send }: AgentEffects, at: number): void {
    for (const message of send) {
      if (message.type !== 'request') continue
      const version = { term: home.term, grant: grant(at + 7), sequence: at % 3 }
      const copy = { value: TextValue.ofText(jsonOf(at)), version, ttlMs: null }
      const body: ReplyBody = { type: 'granted', rights: 'exclusive', grant: grant(at + 1), copy }
      const { number, key } = message
      this.#step(this.#received(crossing({ type: 'reply', ...home, number, key, body })))
    }
  }
}

const jsonOf = (number: number): string => JSON.stringify(`${number} `.padEnd(100, 'x'))

function crossing(sent: ToAgent): ToAgent {
  const decoded = decodeBus(encodeBus([{ type: 'to-agent', to: id, message: sent }]))
  ok(decoded.ok)
  const [arrived] = decoded.value
  ok(arrived?.type === 'to-agent')
  return arrived.message
}
