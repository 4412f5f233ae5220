import assert from 'node:assert/strict'
import type { ReplyBody, RequestBody, ToAgent, ToHome } from '#core/cache/messages.ts'
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

/** In the order of their names. */
export const seenIn = (explored: ReadonlyMap<string, Exploration>, what: 'edges' | 'messages'): readonly string[] =>
  [...new Set([...explored.values()].flatMap((found) => [...found[what].keys()]))].toSorted()

type Kind = Exclude<(ToHome | ToAgent)['type'], 'request' | 'reply'> | `request ${RequestBody['type']}` | `reply ${ReplyBody['type']}`

/** All kinds of messages, and what they are for. */
const kinds: Readonly<Record<Kind, 'transaction' | 'chore'>> = {
  open: 'transaction',
  opened: 'transaction',
  arrive: 'transaction',
  welcome: 'transaction',
  'session-lost': 'transaction',
  'request read': 'transaction',
  'request write': 'transaction',
  'request flush': 'transaction',
  'reply granted': 'transaction',
  'reply written': 'transaction',
  'reply flushed': 'transaction',
  snoop: 'transaction',
  snooped: 'transaction',
  renew: 'chore',
  renewed: 'chore',
  leave: 'chore',
  'request fill': 'chore',
  'reply load': 'chore',
  'reply overloaded': 'chore',
}

export const kindsOf = (what: 'transaction' | 'chore'): readonly string[] =>
  Object.entries(kinds)
    .flatMap(([kind, of]) => (of === what ? kind : []))
    .toSorted()
