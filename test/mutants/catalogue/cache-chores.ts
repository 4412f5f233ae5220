import type { Check, Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const explorer = (configuration: string): Check => test('sim/explorer/explorer.sim.test.ts', `explorer: ${configuration}:`)
const owner = (name: string): Check => test('src/core/cache/owner.test.ts', name)
const loader = (name: string): Check => test('src/core/cache/loaders.test.ts', name)

/** Faults of what homes and agents do beside the transactions of keys: write at the level `owner`, make room, end lives, give tokens, turn away. */
export const cacheChores: readonly Mutant[] = [
  {
    name: 'cache-end-of-a-life-drops-what-was-written',
    guards: 'decision C9',
    breaks: 'A life that ends takes along what its owner has written since, which has no end.',
    file: 'src/core/cache/home-transactions.ts',
    original: '  } else if (dirty !== null) {\n',
    mutated: "  } else if (dirty !== null && body.type !== 'expire') {\n",
    checks: [explorer('a life that ends')],
  },
  {
    name: 'cache-answer-over-what-came-after',
    guards: 'decision C8',
    breaks: 'The answer to a replicated write brings back what was there before its writer wrote the line again at the level owner.',
    file: 'src/core/cache/agent-replies.ts',
    original: '  if (known.dirty > sequence) return\n',
    mutated: '',
    checks: [owner('decision C8: what is written at the level owner while')],
  },
  {
    name: 'cache-room-made-of-what-memory-has-not',
    guards: 'cache rule 6',
    breaks: 'A line that goes to make room takes along what memory does not have.',
    file: 'src/core/cache/agent-flush.ts',
    original: '    if (activity !== null) yieldLine(state, activity, line)\n',
    mutated: '',
    checks: [explorer('room for one line'), test('src/core/cache/races.test.ts', 'defect 13:')],
  },
  {
    name: 'cache-directory-forgets-who-has-a-line',
    guards: 'decision C11',
    breaks: 'A directory that is full forgets a key that somebody has, and takes nothing back.',
    file: 'src/core/cache/home-upkeep.ts',
    original: "enqueue(state, transaction({ key, body: { type: 'recall' }, asker: null }))",
    mutated: 'state.directory.delete(key)',
    checks: [explorer('a full directory')],
  },
  {
    name: 'cache-turned-away-and-carried-out',
    guards: 'cache rule 15',
    breaks: 'A home that takes nothing more says so, and carries the change out all the same.',
    file: 'src/core/cache/home-transactions.ts',
    original: "else reply(state, asked, { type: 'overloaded' })",
    mutated: "else {\n    join(state, asked)\n    reply(state, asked, { type: 'overloaded' })\n  }",
    checks: [explorer('a home that has enough to do')],
  },
  {
    name: 'cache-leaves-with-its-lines',
    guards: 'cache rule 9',
    breaks: 'An agent that says that it has dropped all it had goes on to use its lines.',
    file: 'src/core/cache/agent-sessions.ts',
    original: '    endLease(slot)\n    dropLines(state, slot)\n',
    mutated: '',
    checks: [explorer('an agent that leaves')],
  },
  {
    name: 'cache-token-of-what-is-there',
    guards: 'decision C10',
    breaks: 'A token outlives a write of who has it, so that it can be used again over what others write.',
    file: 'src/core/cache/home-fills.ts',
    original: '  state.fills.delete(key)\n',
    mutated: '',
    checks: [explorer('a loader and a writer')],
  },
  {
    name: 'cache-token-outlives-a-lease',
    guards: 'decision C10',
    breaks: 'Who waits for a loader that is gone waits until its token would be over.',
    file: 'src/core/cache/home-fills.ts',
    original: 'now < until && sessions.has(session)',
    mutated: 'now < until || session > sessions.size + 1e9',
    checks: [loader('decision C10: when the lease of a loader is over')],
  },
  {
    name: 'cache-token-without-end',
    guards: 'decision C10',
    breaks: 'Loaders that load what each other loads wait for ever.',
    file: 'src/core/cache/home-fills.ts',
    original: 'now < until && sessions.has(session)',
    mutated: 'now < until + 1e9 && sessions.has(session)',
    checks: [loader('decision C10: loaders that load what each other loads')],
  },
  {
    name: 'cache-token-of-anybody',
    guards: 'decision C10',
    breaks: 'Whoever guesses a token stores with it.',
    file: 'src/core/cache/home-fills.ts',
    original: ' && fill.session === by && ',
    mutated: ' && by > 0 && ',
    checks: [loader('decision C10: a token is of the agent')],
  },
]
