import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const decisions = 'src/core/queue/decisions.test.ts'
const scenarios = 'src/core/queue/scenarios.test.ts'

/** Receipts and leases. */
export const queueLeases: readonly Mutant[] = [
  {
    name: 'late-ack-opens-the-key',
    guards: 'decision Q7',
    breaks: 'The ack of an older lease opens the key while the newest is at work: two of one key are in flight.',
    file: 'src/core/queue/receipts.ts',
    original: 'if (records.state[record] !== leased || lease === newest || newest === 1) settle(step, record)',
    mutated: 'if (lease !== 0) settle(step, record)',
    checks: [
      test(
        decisions,
        'decision Q7: an ack that may be of an older lease settles the message, and its key stays closed until the newest is over',
      ),
    ],
  },
  {
    name: 'late-ack-ignored',
    guards: 'decision Q7',
    breaks: 'A message is delivered again after somebody has said that the work is done.',
    file: 'src/core/queue/receipts.ts',
    original: '  else if (!isSettled) settleUnderLease(step, record)\n',
    mutated: '',
    checks: [test(decisions, 'decision Q7: the key opens also when the newest lease is given back or runs out')],
  },
  {
    name: 'settled-message-comes-back',
    guards: 'decision Q7',
    breaks: 'What was acked from elsewhere is delivered again when its newest lease runs out.',
    file: 'src/core/queue/receipts.ts',
    original: '  if (state.records.isFlagged(record, settledFlag)) return settle(step, record)\n',
    mutated: '',
    checks: [test(decisions, 'decision Q7: the key opens also when the newest lease is given back or runs out')],
  },
  {
    name: 'stale-receipt-acks',
    guards: 'queue.md',
    breaks: 'A receipt of an older lease settles a message that somebody else is at work on.',
    file: 'src/core/queue/receipts.ts',
    original: "  if (lease !== null && lease !== newest) return 'stale_receipt'\n",
    mutated: '',
    checks: [test(scenarios, 'scenario lease: only the newest receipt acks, extends or gives back')],
  },
  {
    name: 'stale-receipt-extends',
    guards: 'queue.md',
    breaks: 'Whoever had a message once may extend or give back the lease of another.',
    file: 'src/core/queue/receipts.ts',
    original: 'records.state[record] === leased && (lease ?? 1) === newest ?',
    mutated: 'records.state[record] === leased ?',
    checks: [test(scenarios, 'scenario lease: only the newest receipt acks, extends or gives back')],
  },
  {
    name: 'release-counts-as-failure',
    guards: 'decision Q10',
    breaks: 'A delivery that could not be written counts as a failure, and a few of them make the message dead.',
    file: 'src/core/queue/receipts.ts',
    original: "  step.count(state.partitionOf(record), 'returned')\n  giveBack(step, record, delayMs)\n  return 'returned'",
    mutated: '  return fail(step, record, delayMs)',
    checks: [test(decisions, 'decision Q10: a delivery that could not be written is released without penalty')],
  },
  {
    name: 'closed-consumer-fails',
    guards: 'decision Q10',
    breaks: 'What a consumer had whose connection is closed counts as failed.',
    file: 'src/core/queue/queues.ts',
    original: 'endLease(step, record, false)',
    mutated: 'endLease(step, record, true)',
    checks: [test(decisions, 'decision Q10: what a consumer had whose connection is closed is released without penalty')],
  },
  {
    name: 'leases-by-the-wall-clock',
    guards: 'decision R5',
    breaks: 'A leader whose clock is ahead ends every lease at once.',
    file: 'src/core/queue/expiry.ts',
    original: '[state.deadlines, context.time],',
    mutated: '[state.deadlines, context.wall],',
    checks: [test(decisions, 'decision R5: leases and delays go by machine time, whatever the wall clock does')],
  },
  {
    name: 'expiry-waits-for-the-tick',
    guards: 'queue.md',
    breaks: 'A lease that has run out holds its message until a leader says so.',
    file: 'src/core/queue/machine.ts',
    original: '    const expired = expireDue(step)\n',
    mutated:
      "    const expired: QueueAnswer = command.value.type === 'expire-due' ? expireDue(step) : { type: 'expired', count: 0, more: false }\n",
    checks: [test(scenarios, 'scenario lease: a message is received again when its lease has run out, and that counts as a failure')],
  },
  {
    name: 'extension-adds',
    guards: 'queue-scenarios.md',
    breaks: 'An extension counts from the end of the lease, not from now.',
    file: 'src/core/queue/transitions.ts',
    original: '  state.deadlines.remove(record)\n  state.records.deadline[record] = context.time + visibilityMs',
    mutated:
      '  state.deadlines.remove(record)\n  state.records.deadline[record] = Math.max(context.time, state.records.deadline[record] as number) + visibilityMs',
    checks: [test(scenarios, 'scenario lease: an extension counts from now, and one by 0 releases at once')],
  },
  {
    name: 'in-flight-without-bound',
    guards: 'constants.md',
    breaks: 'Any number of messages is in flight.',
    file: 'src/core/queue/consume.ts',
    original: "  if (room <= 0) return refuse('in_flight_full')\n",
    mutated: '',
    checks: [test(scenarios, 'scenario lease: what is in flight is counted, and when there is no room nothing more is delivered')],
  },
]
