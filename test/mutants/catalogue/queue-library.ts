import { queueLibrarySimulator, test } from '#test/mutants/mutant.ts'
import type { Mutant } from '#test/mutants/mutant.ts'

const client = 'src/sdk/queue/queue-client.test.ts'
const receiving = 'src/sdk/queue/receiving.test.ts'

/** Faults of the client library of the queues: its lanes, its leases, its workers. */
export const queueLibrary: readonly Mutant[] = [
  {
    name: 'queue-library-lease-from-answer',
    guards: 'decision L9',
    breaks: 'The lease of a message counts from when it was delivered, so the service may have given it to another.',
    file: 'src/sdk/queue/receiver.ts',
    original: 'new Lease(ports.leaseClock, { sentAt: sentAt.value, visibilityMs })',
    mutated: 'new Lease(ports.leaseClock, { sentAt: ports.leaseClock.now(), visibilityMs })',
    checks: [
      test(client, 'a lease ends at the client before it can end at the service, however long the wait for the message was'),
      queueLibrarySimulator(2, 3, 7),
    ],
  },
  {
    name: 'queue-library-signal-silent',
    guards: 'decision L9',
    breaks: 'The signal of a message does not abort when its lease is over.',
    file: 'src/sdk/queue/lease.ts',
    original: 'this.#error = error\n    this.#controller?.abort(error)',
    mutated: 'this.#error = error',
    checks: [
      test(client, 'a process that stands still for longer than its lease has nothing when it goes on: its signals abort first'),
      queueLibrarySimulator(2, 3, 7),
    ],
  },
  {
    name: 'queue-library-prolonged-lease-not-watched',
    guards: 'decision L9',
    breaks: 'A lease that was prolonged is not looked at any more when it ends.',
    file: 'src/sdk/queue/lease.ts',
    original: 'this.delete(lease)\n    this.add(lease)',
    mutated: 'this.delete(lease)',
    checks: [queueLibrarySimulator(2, 3, 7)],
  },
  {
    name: 'queue-library-shorter-lease-not-believed',
    guards: 'decision L9',
    breaks: 'A message that is extended for a shorter time is believed in for the longer one until the service answers.',
    file: 'src/sdk/queue/lease.ts',
    original: 'this.#trustedUntil = earlier(this.#trustedUntil, endOf(terms))',
    mutated: '',
    checks: [test('src/sdk/queue/lease.test.ts', 'an extension that shortens counts from when it is sent, whatever becomes of it')],
  },
  {
    name: 'queue-library-number-used-again',
    guards: 'decision Q6',
    breaks: 'A batch in doubt leaves its number to the next one, which is answered with the ids of the first.',
    file: 'src/sdk/queue/producer-lane.ts',
    original: 'outcome.doubtful || !notTaken.has(outcome.error.code)',
    mutated: 'false',
    checks: [queueLibrarySimulator(2, 3, 7)],
  },
  {
    name: 'queue-library-batch-not-made-again',
    guards: 'decision Q6',
    breaks: 'A batch whose line broke is given up, though nobody would have taken it twice.',
    file: 'src/sdk/queue/producer-lane.ts',
    original: 'repeatable: true,\n      keeps: false,\n      done: (outcome) => this.#done(sent, outcome),',
    mutated: 'repeatable: false,\n      keeps: false,\n      done: (outcome) => this.#done(sent, outcome),',
    checks: [
      test(client, 'decision Q6: a batch whose answer is lost is made again elsewhere, is there once, and has the ids of the first time'),
    ],
  },
  {
    name: 'queue-library-waits-for-a-former-leader',
    guards: 'decision Q6',
    breaks: 'What a leader that is cut off was asked is not asked of the next one.',
    file: 'src/sdk/queue/links.ts',
    original: 'if (before !== undefined) this.#events.moved(slot)',
    mutated: '',
    checks: [test('src/sdk/queue/cut-off-leader.test.ts', 'what a leader that hears nobody has not answered goes to the next one')],
  },
  {
    name: 'queue-library-passes-on-another-lane',
    guards: 'decision Q6',
    breaks: 'What is sent while a batch may come back goes to other partitions, and overtakes it.',
    file: 'src/sdk/queue/sender.ts',
    original: 'this.#unplaced.length > 0 || this.#retired.size > 0',
    mutated: 'this.#unplaced.length > 0',
    checks: [test('src/sdk/queue/sender.test.ts', 'nor when nothing of what was refused is waited for any more')],
  },
  {
    name: 'queue-library-timeout-for-what-was-sent',
    guards: 'decision Q6',
    breaks: 'A message that nobody answered for in time is told not to be sent, and it is there.',
    file: 'src/sdk/queue/sender.ts',
    original: "wasSent && error.code !== 'aborted' ? unknown() : error",
    mutated: 'error',
    checks: [
      test(
        client,
        'a send that certainly never left is a timeout; one that nobody answered is unknown, and neither takes longer than it may',
      ),
      queueLibrarySimulator(2, 3, 7),
    ],
  },
  {
    name: 'queue-library-stray-kept',
    guards: 'decision Q10',
    breaks: 'What is delivered to a receive that was given up lies there until its lease is over.',
    file: 'src/sdk/queue/calls.ts',
    original: "if (message.type !== 'failed') this.#ports.stray(message)",
    mutated: '',
    checks: [
      test(receiving, 'a receive whose signal aborts ends at once though its node is silent, and what that delivers later is given back'),
    ],
  },
  {
    name: 'queue-library-wait-not-left',
    guards: 'decision Q10',
    breaks: 'The node does not hear that a receive was given up, and delivers to it.',
    file: 'src/sdk/queue/calls.ts',
    original: "call.line?.link.send({ type: 'leave', call: call.id })\n    this.#end(",
    mutated: 'this.#end(',
    checks: [test(client, 'decision Q10: a receive that is given up gets nothing any more, and its message is there for others at once')],
  },
  {
    name: 'queue-library-stale-ack-told-done',
    guards: 'decision Q7',
    breaks: 'An ack that was made again and refused for being of an older lease is told to be done.',
    file: 'src/sdk/queue/settler.ts',
    original: "item.code === 'unknown_message' ? 'acknowledged' : null",
    mutated: "'acknowledged'",
    checks: [
      test('src/sdk/queue/settler.test.ts', 'decision Q7: an ack that is made again and comes to a newer lease is told to be stale'),
    ],
  },
  {
    name: 'queue-library-worker-does-not-extend',
    guards: 'auto-extend',
    breaks: 'A worker does not keep what it handles for longer than its lease.',
    file: 'src/sdk/queue/worker.ts',
    original: 'message.extend().catch(() => {})',
    mutated: '',
    checks: [
      test(client, 'a worker keeps what it handles past its lease, gives back what throws after a growing time, and stops without a loss'),
    ],
  },
]
