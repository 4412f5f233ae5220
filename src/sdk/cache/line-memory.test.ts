import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { millis } from '#base/brand.ts'
import { Agent } from '#core/cache/agent.ts'
import type { AgentEffects } from '#core/cache/agent-state.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import type { ReplyBody, ToAgent } from '#core/cache/messages.ts'
import { agentId, agentSession, cacheKey, grant, handle, homeTerm, slotId } from '#core/cache/types.ts'
import { liveBytes } from '#test/harness/live-bytes.ts'
import { decodeBus, encodeBus } from '#wire/cache-bus.ts'
import { JsonValue } from './json-value.ts'

const goal = 300
const lines = 80_000
/** Until what else takes memory has it: compiled code, for instance. */
const warmUp = 20_000
const home = { slot: slotId(3), term: homeTerm(2), session: agentSession(5) } as const
const id = agentId('app:1')
/** There is a fraction, as in every time. */
const now = millis(123.456)

test('a clean line takes at most 300 bytes beside its value, read or not', () => {
  const agent = new Agent(id, cacheLimits)
  agent.step({ type: 'home', slot: home.slot, term: home.term }, now)
  read(agent, 0)
  const nonce = agent.state.slot(home.slot).nonce
  answer(agent, agent.step({ type: 'message', message: { type: 'opened', ...home, nonce, sentAt: now } }, now), 0)
  const json = textOf(0).length + 2
  for (let number = 1; number < warmUp; number++) answer(agent, read(agent, number), number)

  const before = liveBytes()
  for (let number = warmUp; number < warmUp + lines; number++) answer(agent, read(agent, number), number)
  const each = (liveBytes() - before) / lines - json
  ok(each < goal, `${each.toFixed(0)} bytes`)

  for (const { value } of agent.state.lines.byKey.values()) ok(value instanceof JsonValue && typeof value.value === 'string')
  const onceRead = (liveBytes() - before) / lines - json
  ok(onceRead < goal, `${onceRead.toFixed(0)} bytes once it was read`)
  equal(agent.state.lines.byKey.size, warmUp + lines)
})

const textOf = (number: number): string => `${number} `.padEnd(100, 'x')

function read(agent: Agent, number: number): AgentEffects {
  const key = cacheKey(['users', `line:${number}`].join('\0'))
  return agent.step({ type: 'read', id: number, slot: home.slot, key, handle: handle(1), fill: false }, now)
}

/** As it crosses the network. */
function answer(agent: Agent, { send }: AgentEffects, at: number): void {
  for (const message of send) {
    if (message.type !== 'request') continue
    const copy = { value: JsonValue.of(textOf(at)), version: { term: home.term, grant: grant(at + 7), sequence: at % 3 }, ttlMs: null }
    const body: ReplyBody = { type: 'granted', rights: 'exclusive', grant: grant(at + 1), copy }
    const { number, key } = message
    agent.step({ type: 'message', message: crossing({ type: 'reply', ...home, number, key, body }) }, now)
  }
}

function crossing(sent: ToAgent): ToAgent {
  const decoded = decodeBus(encodeBus([{ type: 'to-agent', to: id, message: sent }]))
  ok(decoded.ok)
  const [arrived] = decoded.value
  ok(arrived?.type === 'to-agent' && arrived.message.type === 'reply' && arrived.message.body.type === 'granted')
  const { message } = arrived
  const { body } = message
  ok(body.type === 'granted')
  const value = JsonValue.ofBytes(present(body.copy.value, 'it has a value').bytes)
  return { ...message, body: { ...body, copy: { ...body.copy, value } } }
}
