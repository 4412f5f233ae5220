import assert from 'node:assert/strict'
import { explore } from './explore.ts'
import type { Exploration } from './explore.ts'
import type { Configuration } from './scene.ts'

/**
 * Explores the whole of it. The number of states is pinned: when it changes, so did the protocol, or what the explorer can tell apart, and either
 * must have been meant.
 */
export function exploreWhole(configuration: Configuration, states: number | undefined): Exploration {
  const found = explore(configuration)
  const { counterexample } = found
  if (counterexample !== null) assert.fail([counterexample.broken, ...counterexample.trace].join('\n'))
  assert.ok(found.ends > 0 && !found.isCut)
  assert.equal(found.states, states)
  return found
}
