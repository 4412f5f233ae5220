import type { Check, Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const watched = (name: string): Check => test('src/core/cache/watched.test.ts', name)
const listening = (name: string): Check => test('src/services/cache/watches.test.ts', name)

/** Faults of what an agent tells of watched keys. */
export const cacheWatches: readonly Mutant[] = [
  {
    name: 'cache-watch-read-again-for-room',
    guards: 'watching',
    breaks: 'A watched line that goes to make room is read again, for which another goes, and so on for ever.',
    file: 'src/core/cache/agent-flush.ts',
    original: 'if (state.watched.has(line.key)) state.unheld.set(line.key, line.slot)',
    mutated: '',
    checks: [watched('a watched line that goes to make room is not told')],
  },
  {
    name: 'cache-watch-deaf-without-a-line',
    guards: 'watching',
    breaks: 'Who watches a key whose line went to make room is not told that somebody writes it.',
    file: 'src/core/cache/agent-snoops.ts',
    original: '    mayHaveChanged(state, key)\n',
    mutated: '',
    checks: [
      watched('a watched key whose line went to make room is told when somebody writes it'),
      watched('a watched key is told when what was read of it is overtaken'),
    ],
  },
  {
    name: 'cache-watch-forgotten-by-the-next-home',
    guards: 'watching',
    breaks: 'The home before knew who has read a key that is watched, the next one does not, and tells nothing.',
    file: 'src/core/cache/agent-sessions.ts',
    original: '    state.unheld.delete(key)\n    mayHaveChanged(state, key)\n',
    mutated: '    state.unheld.delete(key)\n',
    checks: [watched('a watched key whose line went to make room is told when its slot has a new home')],
  },
  {
    name: 'cache-watch-blind-to-its-own-writes',
    guards: 'watching',
    breaks: 'A write whose caller has given up is carried out, and who watches the key on that node is not told.',
    file: 'src/core/cache/agent-replies.ts',
    original: "  if (event === 'grant-modified') mayHaveChanged(state, key)\n",
    mutated: '',
    checks: [watched('a watched key is told when a write of this agent is carried out')],
  },
  {
    name: 'cache-watch-deaf-to-write-backs',
    guards: 'watching',
    breaks: 'A dirty line goes to make room, memory has its value later, and who watches the key on that node is not told.',
    file: 'src/core/cache/agent-flush.ts',
    original: '    setWriteBack(activity, null)\n    mayHaveChanged(state, activity.key)\n',
    mutated: '    setWriteBack(activity, null)\n',
    checks: [watched('a watched key is told when memory has what was written here at the level owner, also')],
  },
  {
    name: 'cache-watcher-withdraws-a-fill-for-ever',
    guards: 'decision C10',
    breaks:
      'Where a key is watched and somebody wants to load it while another does, the watcher reads it again and again, as fast as the home answers.',
    file: 'src/core/cache/agent-requests.ts',
    original: 'if (state.watched.has(line.key)) state.unheld.set(line.key, line.slot)',
    mutated: '',
    checks: [watched('a watched key that is absent is not told when it is asked for to be loaded')],
  },
  {
    name: 'cache-watcher-told-what-was-read-before',
    guards: 'watching',
    breaks:
      'Who begins to watch a key while it is read for another watcher is told what was read, though something newer was acknowledged before it came.',
    file: 'src/services/cache/watches.ts',
    original: 'const watchers = [...watching.watchers]',
    mutated: 'const { watchers } = watching',
    checks: [listening('who begins to watch while the key is read is told what is read after that')],
  },
  {
    name: 'cache-watchers-read-each-other-away',
    guards: 'watching',
    breaks: 'Watchers at two agents whose lines do not fit take the key from each other by reading it again, for ever.',
    file: 'src/core/cache/agent-snoops.ts',
    original: 'const kept = isHere || hearsOnly(state, activity, snoop)',
    mutated: 'const kept = isHere || hearsOnly(state, activity, { ...snoop, downgradeTo: null })',
    checks: [watched('watchers at two agents whose lines do not fit')],
  },
  {
    name: 'cache-watch-deaf-beside-its-own-write',
    guards: 'watching',
    breaks:
      'Another reads what was just written here before the answer to that is here, and who watches the key on this node is not told of it.',
    file: 'src/core/cache/agent-snoops.ts',
    original: "return writeBack === null && request?.body.type !== 'write'",
    mutated: 'return writeBack === null && request !== undefined',
    checks: [watched('a watched key whose line went to make room is told when another reads what was written here')],
  },
]
