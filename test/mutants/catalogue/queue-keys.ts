import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const decisions = 'src/core/queue/decisions.test.ts'
const scenarios = 'src/core/queue/scenarios.test.ts'
const plain = 'src/core/queue/plain-model.test.ts'

/** Order: keys, priorities, limits of length. */
export const queueKeys: readonly Mutant[] = [
  {
    name: 'key-behind-a-delayed-head',
    guards: 'decision Q8',
    breaks: 'A message is delivered before an older one of its key that is not due yet.',
    file: 'src/core/queue/transitions.ts',
    original: '  if (state.keys.isFirst(record)) offer(step, record)',
    mutated: '  offer(step, record)',
    checks: [test(decisions, 'decision Q8: priority and delay do not break the order of a key')],
  },
  {
    name: 'key-closed-for-ever',
    guards: 'queue.md',
    breaks: 'When the head of a key is settled, the next is not delivered.',
    file: 'src/core/queue/transitions.ts',
    original: '  key.resting++\n  if (promoted !== none && records.state[promoted] === ready) offer(step, promoted)\n',
    mutated: '  key.resting++\n',
    checks: [test(scenarios, 'scenario ordering keys: order is kept after a time-out, and the key is visible again')],
  },
  {
    name: 'dead-letter-holds-its-key',
    guards: 'queue-scenarios.md',
    breaks: 'A key is stuck behind its dead letter.',
    file: 'src/core/queue/transitions.ts',
    original: '  detach(state, record)\n  leaveKey(step, record)\n  enter(state, record, partition.queue',
    mutated: '  detach(state, record)\n  enter(state, record, partition.queue',
    checks: [
      test(scenarios, 'scenario ordering keys: one that is to be tried again later holds up its key, and one that is dead does not'),
    ],
  },
  {
    name: 'redriven-passes-in-flight',
    guards: 'decision Q7',
    breaks: 'A redriven message gets in front of one of its key that is in flight.',
    file: 'src/core/queue/keys.ts',
    original: '    if (records.state[front] === leased) front = records.keyAfter[front] as number\n',
    mutated: '',
    checks: [test(scenarios, 'scenario ordering keys: a redriven message takes its old place, behind one in flight')],
  },
  {
    name: 'redriven-stays-behind',
    guards: 'decision Q8',
    breaks: 'What comes back to its key in front of an older message stays there.',
    file: 'src/core/queue/transitions.ts',
    original: '|| !keys.isFirst(record) || records.isBefore(record, second)) return',
    mutated: '|| !keys.isFirst(record) || records.isBefore(record, second) || second !== none) return',
    checks: [test(scenarios, 'scenario ordering keys: a redriven message takes its old place, behind one in flight')],
  },
  {
    name: 'returned-goes-to-the-end',
    guards: 'queue-scenarios.md',
    breaks: 'Among messages with a record, the youngest comes first.',
    file: 'src/core/queue/record-heap.ts',
    original: 'if (!this.#byDeadline) return this.#records.isBefore(left, right)',
    mutated: 'if (!this.#byDeadline) return this.#records.isBefore(right, left)',
    checks: [test(scenarios, 'scenario lease: what comes back keeps its place')],
  },
  {
    name: 'lower-priority-first',
    guards: 'queue.md',
    breaks: 'The lowest priority is delivered first.',
    file: 'src/core/queue/ready-queue.ts',
    original: 'return heaps.findLast(isUsed)?.peek() ?? none',
    mutated: 'return heaps.find(isUsed)?.peek() ?? none',
    checks: [test(plain, 'in 2 000 random runs the machine answers, reports and holds what a plain list of messages does')],
  },
  {
    name: 'leased-counts-not',
    guards: 'decision Q8',
    breaks: 'A limit of length does not count what is in flight.',
    file: 'src/core/queue/state.ts',
    original: 'ledger.untouched + counts.scheduled + counts.ready + counts.leased - counts.settled',
    mutated: 'ledger.untouched + counts.scheduled + counts.ready',
    checks: [test(decisions, 'decision Q8: the limit of length is exact and of each partition')],
  },
  {
    name: 'drop-the-youngest',
    guards: 'decision Q8',
    breaks: 'A full queue drops the newest priorities first.',
    file: 'src/core/queue/produce.ts',
    original: "const head = firstDeliverable(step.state, partition, 'lowest')",
    mutated: "const head = firstDeliverable(step.state, partition, 'highest')",
    checks: [test(plain, 'in 2 000 random runs the machine answers, reports and holds what a plain list of messages does')],
  },
]
