import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import type { AgentInput } from '#core/cache/agent.ts'
import { Agent } from '#core/cache/agent.ts'
import type { AgentEffects } from '#core/cache/agent-state.ts'
import { agentId } from '#core/cache/types.ts'
import { explore } from './explore.ts'
import type { Configuration } from './scene.ts'
import { Scene } from './scene.ts'

const key = 'k'

/** B has a session, and A the line; then B writes it. */
const configuration: Configuration = {
  name: 'planted',
  before: [
    { agent: 'B', type: 'read', key: 'l' },
    { agent: 'A', type: 'set', key, value: '0' },
  ],
  programs: { A: [], B: [{ type: 'set', key, value: '1' }] },
  budget: { loss: 0, double: 0, lapse: 0, retry: 0, later: 0, home: 0 },
}

/** What an agent makes of an input instead; null for what it ought to. */
type Fault = (input: AgentInput) => AgentEffects | null

/** The agent goes wrong from the beginning of what is explored. */
const withFault =
  (name: string, fault: Fault) =>
  (of: Configuration): Scene => {
    const scene = new Scene(of)
    const agent = present(scene.world.agents.get(agentId(name)), 'it is one of them')
    const step = function (this: Agent, input: AgentInput, now: Parameters<Agent['step']>[1]): AgentEffects {
      return fault(input) ?? Agent.prototype.step.call(this, input, now)
    }
    Object.assign(agent, { step })
    return scene
  }

const nothing: AgentEffects = { send: [], answers: [], lookUp: [], changed: [] }

test('the explorer tells the shortest way to a state that breaks a promise, from the beginning', () => {
  /** Says that its copy is gone, and keeps it. */
  const lies: Fault = (input) => {
    if (input.type !== 'message' || input.message.type !== 'snoop') return null
    const { slot, term, session, grant, key: of } = input.message
    return { ...nothing, send: [{ type: 'snooped', slot, term, session, key: of, grant, kept: false, dirty: null }] }
  }
  const { counterexample, depth, ends } = explore(configuration, { begin: withFault('A', lies) })
  deepEqual(counterexample, {
    broken: 'AssertionFailure: who has a line is in the directory',
    trace: [
      '— ask B',
      'B wants k: set 1',
      '— deliver home ← B #2 k BusRdX set 1',
      'home ← B #2 k BusRdX set 1',
      '— deliver A ← home Invalidate k up to 3',
      'A ← home Invalidate k up to 3',
      '— deliver home ← A snooped k up to 3: gone',
      'home ← A snooped k up to 3: gone',
    ],
  })
  deepEqual([depth, ends], [3, 0])
})

test('the explorer tells the way to a state that nothing follows from, and somebody still waits in', () => {
  const hearsNoAnswer: Fault = (input) => (input.type === 'message' && input.message.type === 'reply' ? nothing : null)
  const { counterexample } = explore(configuration, { begin: withFault('B', hearsNoAnswer) })
  equal(counterexample?.broken, 'AssertionFailure: at rest everybody has an answer')
  deepEqual(
    counterexample.trace.filter((line) => line.startsWith('— ')).map((line) => line.replace(/ #.*| up to.*/, '')),
    ['— ask B', '— deliver home ← B', '— deliver A ← home Invalidate k', '— deliver home ← A snooped k', '— apply', '— deliver B ← home'],
  )
})

test('without the fault the explorer finds nothing in the same states', () => {
  const { counterexample, ends, isCut } = explore(configuration)
  equal(counterexample, null)
  ok(ends > 0 && !isCut)
  equal(explore(configuration, { statesMax: 2 }).isCut, true)
})
