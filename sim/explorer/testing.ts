import assert from 'node:assert/strict'
import { explore } from './explore.ts'
import type { Exploration } from './explore.ts'
import type { Configuration } from './scene.ts'

/** Explores the whole of it; a promise that is broken is told with the way there. */
export function exploreWhole(configuration: Configuration): Exploration {
  const found = explore(configuration)
  const { counterexample } = found
  if (counterexample !== null) assert.fail([counterexample.broken, ...counterexample.trace].join('\n'))
  assert.ok(found.ends > 0 && !found.isCut)
  return found
}

/**
 * The numbers of states are pinned: when one changes, so did the protocol, or what the explorer can tell apart, and either must have been meant. That breaks no
 * promise, so it is a test by itself, and no mutant counts as found by it. A configuration that was not explored whole has failed already.
 */
export function assertStates(found: ReadonlyMap<string, Exploration>, pinned: Readonly<Record<string, number>>): void {
  assert.ok(found.size > 0)
  for (const [name, { states }] of found) assert.equal(states, pinned[name], `${name}: another number of states`)
}
