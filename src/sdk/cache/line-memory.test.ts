import { ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import type { ToAgent } from '#core/cache/messages.ts'
import { AgentLines } from '#test/harness/agent-lines.ts'
import { JsonValue } from './json-value.ts'

const goal = 300

test('a clean line takes at most 300 bytes beside its value, read or not', () => {
  const lines = new AgentLines(withJson)
  lines.measure(80_000)
  const unread = lines.overheadBytes
  ok(unread < goal, `${unread.toFixed(0)} bytes`)

  for (const { value } of lines.agent.state.lines.byKey.values()) ok(value instanceof JsonValue && typeof value.value === 'string')
  const onceRead = lines.overheadBytes
  ok(onceRead < goal, `${onceRead.toFixed(0)} bytes once it was read`)
})

/** What the library makes of an answer. */
function withJson(message: ToAgent): ToAgent {
  if (message.type !== 'reply' || message.body.type !== 'granted') return message
  const { body } = message
  const value = JsonValue.from(present(body.copy.value, 'it has a value'))
  return { ...message, body: { ...body, copy: { ...body.copy, value } } }
}
