import { librarySimulator, test } from '#test/mutants/mutant.ts'
import type { Mutant } from '#test/mutants/mutant.ts'

/** Faults of the client library, which clients of it in the simulator must find. */
export const lockLibrary: readonly Mutant[] = [
  {
    name: 'library-lease-from-answer',
    guards: 'decision L9',
    breaks: 'A lease counts from when the answer came, so the service may have ended it before.',
    file: 'src/sdk/sessions.ts',
    original: "else if (state === 'kept' || state === 'wounded') session.renewedFrom(sentAt)",
    mutated: "else if (state === 'kept' || state === 'wounded') session.renewedFrom(this.#ports.leaseClock.now())",
    checks: [
      test('src/sdk/lease.test.ts', 'decision L1: the answer to a keep-alive counts from when that was sent, however late it comes'),
      librarySimulator(2),
    ],
  },
  {
    name: 'library-signal-silent',
    guards: 'decision L9',
    breaks: 'The signal of a lock does not abort when its session is over.',
    file: 'src/sdk/hold.ts',
    original: 'this.session.remove(this)\n    this.#controller?.abort(error)',
    mutated: 'this.session.remove(this)',
    checks: [test('src/sdk/lease.test.ts', 'decision L9: a lease is counted from when it was asked for'), librarySimulator(1)],
  },
  {
    name: 'library-lease-end-not-looked-for',
    guards: 'decision L9',
    breaks: 'The end of a lease is found only when somebody asks, so listeners of its signal hear of it too late.',
    file: 'src/sdk/sessions.ts',
    original: 'if (next < Infinity) this.#lookAt(millis(next))',
    mutated: '',
    checks: [librarySimulator(2)],
  },
  {
    name: 'library-late-answer-counts',
    guards: 'decision L2',
    breaks: 'The late answer to an earlier attempt of a call is taken for that to the last.',
    file: 'src/sdk/calls.ts',
    original: 'call.number = this.#next++',
    mutated: 'call.number = call.number === 0 ? this.#next++ : call.number',
    checks: [test('src/sdk/faults.test.ts', 'an answer to an earlier attempt says nothing about the last one')],
  },
  {
    name: 'library-not-sent-again',
    guards: 'decision L2',
    breaks: 'What was under way when a link broke is not sent again over the next one.',
    file: 'src/sdk/calls.ts',
    original: "if (call.state !== 'resting') this.#hold(call)",
    mutated: "if (call.state === 'held') this.#hold(call)",
    checks: [
      test('src/sdk/faults.test.ts', 'decision L2: when the link breaks, what was not answered is sent again over another one'),
      librarySimulator(10),
    ],
  },
  {
    name: 'library-early-refusal-believed',
    guards: 'decision L2',
    breaks: 'A request that has overtaken the opening of its session ends that, if it hears so late.',
    file: 'src/sdk/request.ts',
    original: 'return !this.#isEarly',
    mutated: 'return !this.#terms.session.isOpening',
    checks: [
      test('src/sdk/faults.test.ts', 'a request that has overtaken the opening of its session is made again'),
      librarySimulator(32, 88),
    ],
  },
  {
    name: 'library-asked-after-close',
    guards: 'decision L3',
    breaks: 'Tasks of a closed client open sessions, which nobody ends.',
    file: 'src/sdk/client.ts',
    original: 'for (const owner of [...this.#pool.busy(), ...this.#owners]) owner.shut()',
    mutated: '',
    checks: [
      test('src/sdk/client.test.ts', 'tasks that are still at it when their client is closed get nothing any more'),
      librarySimulator(20),
    ],
  },
  {
    name: 'library-wound-not-told',
    guards: 'decision L5',
    breaks: 'A wounded holder is not told: an older client waits until the lease of the younger one is over.',
    file: 'src/sdk/sessions.ts',
    original: "if (state === 'wounded') wound(session)",
    mutated: '',
    checks: [test('src/sdk/lease.test.ts', 'decision L5: the signal of a wounded holder aborts and says so')],
  },
  {
    name: 'library-release-without-token',
    guards: 'decision L10',
    breaks: 'What the library gives back is whatever is held when the release comes, however late that is.',
    file: 'src/sdk/owner.ts',
    original: "proof: { type: 'token', token: fencingToken(token) }",
    mutated: "proof: { type: 'as-of', index: token * Number.MAX_SAFE_INTEGER }",
    checks: [test('src/sdk/client.test.ts', 'decision L10: whatever gives a lock back names its token')],
  },
]
