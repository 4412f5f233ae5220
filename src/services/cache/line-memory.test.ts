import { ok } from 'node:assert/strict'
import { test } from 'node:test'
import { AgentLines } from '#test/harness/agent-lines.ts'

const goal = 300

test('a clean line of a node takes at most 300 bytes beside its value', () => {
  const lines = new AgentLines((message) => message)
  lines.measure(80_000)
  const each = lines.overheadBytes
  console.log(`${each.toFixed(0)} bytes beside the value`)
  ok(each < goal, `${each.toFixed(0)} bytes`)
})
