import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const decisions = 'src/core/queue/decisions.test.ts'
const bodies = 'src/core/queue/bodies.test.ts'
const batchCounts = 'src/core/queue/batch-counts.test.ts'
const ledger = 'src/core/queue/ledger.test.ts'
const desk = 'src/services/queue/consumer-desk.test.ts'

/** Bodies, and where they are found. */
export const queueBodies: readonly Mutant[] = [
  {
    name: 'applied-entry-from-a-store-behind-it',
    guards: 'decision Q1',
    breaks: 'A body is read from the store before the entry is there, and what a newer leader has replaced is delivered in its place.',
    file: 'src/runtime/applied-entry.ts',
    original: 'const kept = group?.raft.entryAt(index) ?? null',
    mutated: 'const kept = group === undefined ? null : null',
    checks: [
      test(
        'src/runtime/service-port.test.ts',
        'what was applied is read, though the store still has what a newer leader has replaced there',
      ),
    ],
  },
  {
    name: 'body-dropped-before-the-last-message',
    guards: 'decision Q1',
    breaks: 'The body of an entry is dropped when the first of its messages is settled.',
    file: 'src/core/queue/ledger.ts',
    original: '    if (left > 0) return false\n    segment.alive--',
    mutated: '    segment.alive--',
    checks: [test(decisions, 'decision Q1: an entry is live until the last of its messages is settled, and is told to be dead then')],
  },
  {
    name: 'body-dropped-before-the-last-batch',
    guards: 'decision Q1',
    breaks: 'The body of an entry is dropped when one of its batches is settled, and another queue still needs it.',
    file: 'src/core/queue/batch-counts.ts',
    original: '    if (batches > 1) this.#append(before, batches)\n    const isDead',
    mutated: '    const isDead',
    checks: [
      test(bodies, 'the bodies of an entry are needed until the last batch is settled, whatever queue it went to'),
      test(batchCounts, 'entries with many batches are counted as a map would'),
    ],
  },
  {
    name: 'body-dropped-while-its-entry-goes-on',
    guards: 'decision Q1',
    breaks: 'What an entry brings after something of it was settled loses its body.',
    file: 'src/core/queue/batch-counts.ts',
    original: '      this.#currentBatches--\n      return false',
    mutated: '      return --this.#currentBatches === 0',
    checks: [test(bodies, 'what is settled within its own entry keeps no body, and what comes after it in the entry does')],
  },
  {
    name: 'batches-not-counted-after-a-snapshot',
    guards: 'decision Q1',
    breaks: 'A replica that began with a snapshot drops the body of an entry with the first of its batches.',
    file: 'src/core/queue/snapshot-reader.ts',
    original: '    countBatches(this.#state)\n',
    mutated: '',
    checks: [test(bodies, 'the bodies of an entry are needed until the last batch is settled, whatever queue it went to')],
  },
  {
    name: 'lease-drops-the-body',
    guards: 'decision Q1',
    breaks: 'What is leased is not told to be live, so its body may be gone when it is delivered again.',
    file: 'src/core/queue/ledger.ts',
    original: '        if ((segment.unsettled[at] as number) > 0) yield segment.indexAt(at)',
    mutated: '        if ((segment.count[at] as number) > 0) yield segment.indexAt(at)',
    checks: [test(decisions, 'decision Q1: an entry is live until the last of its messages is settled, and is told to be dead then')],
  },
  {
    name: 'settled-batches-kept',
    guards: 'queue.md',
    breaks: 'One old message holds the rows of all that came with it.',
    file: 'src/core/queue/ledger.ts',
    original: '    else if (isSparse(segment)) this.#compact(segment)\n',
    mutated: '',
    checks: [test(ledger, 'one entry that is left of thousands is found, and holds few of them')],
  },
  {
    name: 'bodies-counted-by-command',
    guards: 'decision Q5',
    breaks: 'The second command of an entry gives out the ids of the first.',
    file: 'src/core/queue/state.ts',
    original: 'const start = index === this.#entry.index ? this.#entry.messages : 0',
    mutated: 'const start = 0',
    checks: [test(bodies, 'offsets count through all commands of an entry, over queues, and lead to the body')],
  },
  {
    name: 'refused-messages-not-counted',
    guards: 'decision Q5',
    breaks: 'A message that was refused is not counted where its entry is read, so a later one is delivered with another’s body.',
    file: 'src/core/queue/bodies.ts',
    original: "return command.ok && command.value.type === 'produce' ?",
    mutated: "return command.ok && command.value.type === 'produce' && command.value.queue.generation !== 9 ?",
    checks: [test(bodies, 'offsets count through all commands of an entry, over queues, and lead to the body')],
  },
  {
    name: 'unreadable-body-holds-up-its-partition',
    guards: 'queue-scenarios.md',
    breaks: 'A message whose body cannot be read is given back to its place again and again, and nothing behind it is delivered.',
    file: 'src/services/queue/unreadable-entries.ts',
    original: 'late < 0 ? 0 :',
    mutated: 'late < Infinity ? 0 :',
    checks: [test(desk, 'a message that cannot be read keeps its place for a few attempts, then others go first')],
  },
  {
    name: 'readable-messages-given-back',
    guards: 'queue-scenarios.md',
    breaks: 'A delivery goes out whole or not at all.',
    file: 'src/services/queue/consumer-desk.ts',
    original: 'if (delivered.length === 0) return this.#end(',
    mutated: 'if (delivered.length < messages.length) return this.#end(',
    checks: [test(desk, 'what can be read of a delivery is delivered, and only the rest goes back')],
  },
  {
    name: 'row-beyond-its-bits',
    guards: 'decision Q5',
    breaks: 'An entry with very many messages hides what came before them, and replicas differ once one began with a snapshot.',
    file: 'src/core/queue/produce.ts',
    original: 'if (start >= offsets) return',
    mutated: 'if (start < 0) return',
    checks: [test(bodies, 'decision Q5: what an entry has no place for does no harm to those before it')],
  },
  {
    name: 'offset-beyond-its-bits',
    guards: 'decision Q5',
    breaks: 'A message for which there is no offset left is given the id of another one.',
    file: 'src/core/queue/produce.ts',
    original: 'return offset < offsets ? take(',
    mutated: 'return offset < offsets * 2 ? take(',
    checks: [test(bodies, 'decision Q5: a message for which an entry has no place in its ids is refused')],
  },
]
