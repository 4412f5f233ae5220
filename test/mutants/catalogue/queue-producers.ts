import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const decisions = 'src/core/queue/decisions.test.ts'
const scenarios = 'src/core/queue/scenarios.test.ts'

/** What a producer sends twice. */
export const queueProducers: readonly Mutant[] = [
  {
    name: 'batch-taken-twice',
    guards: 'decision Q6',
    breaks: 'A batch that is sent again is enqueued again.',
    file: 'src/core/queue/producers.ts',
    original: "if (sequence === expected) return { type: 'new' }",
    mutated: "if (sequence <= expected) return { type: 'new' }",
    checks: [test(decisions, 'decision Q6: a batch is taken once, whichever node brings it again')],
  },
  {
    name: 'gap-taken',
    guards: 'decision Q6',
    breaks: 'A batch is taken before the one that was sent before it, and their order is lost.',
    file: 'src/core/queue/producers.ts',
    original: "if (sequence > expected) return { type: 'gap', expected }",
    mutated: "if (sequence > expected) return { type: 'new' }",
    checks: [test(decisions, 'decision Q6: a batch after one that is missing is refused with what is expected, so order is kept')],
  },
  {
    name: 'forgotten-producer-taken-for-new',
    guards: 'decision Q6',
    breaks: 'The retry of a producer that was forgotten is carried out a second time.',
    file: 'src/core/queue/producers.ts',
    original: "return sequence === 1 ? { type: 'new' } : { type: 'unknown' }",
    mutated: "return { type: 'new' }",
    checks: [test(decisions, 'decision Q6: an idle producer is forgotten after a while, and its next batch is refused')],
  },
  {
    name: 'busy-producer-forgotten',
    guards: 'decision Q6',
    breaks: 'A producer is forgotten though it has just asked.',
    file: 'src/core/queue/produce.ts',
    original: '  producers.touch(producer.id, context.time)\n',
    mutated: '',
    checks: [test(decisions, 'decision Q6: an idle producer is forgotten after a while, and its next batch is refused')],
  },
  {
    name: 'producers-without-bound',
    guards: 'decision Q6',
    breaks: 'Any number of producers is remembered.',
    file: 'src/core/queue/produce.ts',
    original: "if (!producers.knows(producer.id) && !hasProducerRoom(state, context.time)) return refuse('too_many_producers')",
    mutated: '',
    checks: [test(decisions, 'decision Q6: a full house of producers refuses new ones, and forgets none that is not idle')],
  },
  {
    name: 'dedupe-window-without-bound',
    guards: 'decision Q6',
    breaks: 'Any number of dedupe ids is remembered.',
    file: 'src/core/queue/produce.ts',
    original: '    if (!hasDedupeRoom(step, partition, dedupeId)) return dedupeFull\n',
    mutated: '',
    checks: [test(decisions, 'decision Q6: the window of dedupe ids is bounded by count and by bytes, and says so')],
  },
  {
    name: 'dedupe-bytes-without-bound',
    guards: 'decision Q6',
    breaks: 'Dedupe ids are bounded by their number alone.',
    file: 'src/core/queue/produce.ts',
    original: 'totals.ids < limits.dedupeIdsMax && totals.bytes + bytes <= limits.dedupeBytesMax',
    mutated: 'totals.ids < limits.dedupeIdsMax',
    checks: [test(decisions, 'decision Q6: the window of dedupe ids is bounded by count and by bytes, and says so')],
  },
  {
    name: 'producers-lost-in-the-snapshot',
    guards: 'decision Q6',
    breaks: 'A replica that began with a snapshot takes a batch a second time.',
    file: 'src/core/queue/snapshot-writer.ts',
    original:
      "  for (const [id, { last, usedAt, answers }] of producers.entries()) yield { type: 'producer', id, last, usedAt, answers }\n",
    mutated: '',
    checks: [test(decisions, 'decision Q6: producers and windows survive a snapshot')],
  },
  {
    name: 'window-lost-in-the-snapshot',
    guards: 'decision Q6',
    breaks: 'A replica that began with a snapshot enqueues a duplicate.',
    file: 'src/core/queue/snapshot-writer.ts',
    original: "  for (const [id, { message, expires }] of dedupe.entries()) yield { type: 'dedupe', id, message, expires }\n",
    mutated: '',
    checks: [
      test(decisions, 'decision Q6: producers and windows survive a snapshot'),
      test(scenarios, 'scenario faults: a producer that does not know what became of its call sends it again'),
    ],
  },
  {
    name: 'window-ends-with-the-ack',
    guards: 'queue-scenarios.md',
    breaks: 'The window is asked only for messages that are still there.',
    file: 'src/core/queue/dedupe-window.ts',
    original: 'known === undefined || known.expires <= now ? null : known.message',
    mutated: 'known === undefined || known.expires <= now + 1 ? null : known.message',
    checks: [test(scenarios, 'scenario dedupe: the id wins over body and key, is not forgotten by an ack')],
  },
]
