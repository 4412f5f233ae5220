import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const durability = 'test/mutants/lmdb-durability.test.ts'

/** The disk and the wire below the protocol. */
export const storage: readonly Mutant[] = [
  {
    name: 'lmdb-overlapping-sync',
    guards: 'decision R6',
    breaks: 'LMDB reports a transaction when it is visible, before it is durable.',
    file: 'src/io/lmdb/environment.ts',
    original: 'overlappingSync: false',
    mutated: 'overlappingSync: true',
    checks: [test(durability, 'decision R6: LMDB is opened so that')],
  },
  {
    name: 'lmdb-no-sync',
    guards: 'decision R6',
    breaks: 'LMDB never asks the disk to write.',
    file: 'src/io/lmdb/environment.ts',
    original: 'noSync: false',
    mutated: 'noSync: true',
    checks: [test(durability, 'decision R6: every commit')],
  },
  {
    name: 'commit-reported-before-durable',
    guards: 'decision R6',
    breaks: 'The store reports a commit when it has taken it, not when it is durable.',
    file: 'src/io/lmdb/pipeline.ts',
    original: 'last.done.push(done)',
    mutated: 'queueMicrotask(() => done(null))',
    checks: [test(durability, 'decision R6: every commit')],
  },
  {
    name: 'urgent-waits-for-bulk',
    guards: 'decision R7',
    breaks: 'Heartbeats and votes wait until all bulk messages before them have left.',
    file: 'src/io/transport/outbox.ts',
    original: 'this.#urgent.bytes > 0',
    mutated: 'this.#urgent.bytes > 0 && this.#bulk.bytes === 0',
    checks: [test('src/io/transport/outbox.test.ts', 'decision R7: urgent frames go between the frames of a long bulk message')],
  },
  {
    name: 'long-messages-are-not-split',
    guards: 'decision R7',
    breaks: 'A message of 8 MiB leaves as one frame, and nothing can go between.',
    file: 'src/io/transport/outbox.ts',
    original: 'this.#sent + wireLimits.frameBodyBytesMax',
    mutated: 'this.#sent + message.length',
    checks: [test('src/io/transport/outbox.test.ts', 'decision R7: urgent frames go between the frames of a long bulk message')],
  },
  {
    name: 'heartbeats-in-the-bulk-lane',
    guards: 'decision R7',
    breaks: 'Heartbeats travel with bulk messages, so a long batch looks like a dead leader.',
    file: 'src/runtime/outbox.ts',
    original: "'urgent', { type: 'heartbeats'",
    mutated: "'bulk', { type: 'heartbeats'",
    checks: [test('test/mutants/lanes.test.ts', 'decision R7: heartbeats')],
  },
  {
    name: 'votes-in-the-bulk-lane',
    guards: 'decision R7',
    breaks: 'Votes travel with bulk messages, so an election waits for them.',
    file: 'src/runtime/outbox.ts',
    original: "type === 'append' || ",
    mutated: "type === 'vote-request' || type === 'vote-response' || type === 'append' || ",
    checks: [test('test/mutants/lanes.test.ts', 'decision R7: votes')],
  },
]
