import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const service = 'src/services/lock/decisions.test.ts'
const warden = 'src/services/lock/warden.test.ts'

/** What the lock service adds to its machine. */
export const locks: readonly Mutant[] = [
  {
    name: 'kept-alive-without-a-lease',
    guards: 'decision L1',
    breaks: 'A leader that others have replaced keeps sessions alive.',
    file: 'src/services/lock/warden.ts',
    original: ' || leadership.now >= leadership.leaseUntil) return null',
    mutated: ') return null',
    checks: [test(warden, 'decision L1: no keep-alive is answered without a valid lease')],
  },
  {
    name: 'leads-before-its-term-is-applied',
    guards: 'decision L1',
    breaks: 'A new leader keeps sessions alive whose end its predecessor has proposed and it has not applied.',
    file: 'src/runtime/leadership.ts',
    original: ' || applier.last.term !== raft.term) return null',
    mutated: ') return null',
    checks: [test('src/runtime/service-port.test.ts', 'a replica may act as the leader once its machine has an entry of its own term')],
  },
  {
    name: 'counts-on-from-the-former-term',
    guards: 'decision L1',
    breaks: 'A leader that leads again ends sessions by what it counted before.',
    file: 'src/services/lock/warden.ts',
    original: 'if (leadership.term !== this.#term) {',
    mutated: 'if (this.#term === null) {',
    checks: [test(warden, 'decision L1: in each of its terms a leader gives every session a full lease')],
  },
  {
    name: 'gone-client-keeps-its-grant',
    guards: 'decision L3',
    breaks: 'What was granted to a client that has hung up stays granted.',
    file: 'src/services/lock/waiting-call.ts',
    original:
      "if (callEndOf(this.#call) === 'client-gone' && mayHold(answered)) giveBack(this.#ports, this.#ticket)\n    else this.#ticket.end()",
    mutated: 'this.#ticket.end()',
    checks: [
      test(service, 'decision L3: a client that goes away leaves the queue'),
      test(service, 'decision L3: a client that is granted at once and is gone by then'),
    ],
  },
  {
    name: 'told-lock-given-back',
    guards: 'decision L3',
    breaks: 'A client that asks again for what it holds, and hangs up, loses what it was told it has.',
    file: 'src/core/lock/acquire.ts',
    original: 'for (const hold of known.holds) hold.attempt = null',
    mutated: 'for (const hold of known.holds) hold.attempt = attemptOf(state, command.identity)',
    checks: [test(service, 'decision L3: what a client was told before is not given back')],
  },
  {
    name: 'node-session-kept-for-ever',
    guards: 'decision L3',
    breaks: 'Nobody ends the session of a node that is dead, so its waits are granted to nobody.',
    file: 'src/services/lock/warden.ts',
    original: 'if (command !== null) this.#propose(command, () => this.#leases.notProposed(command))',
    mutated: '',
    checks: [test(service, 'decision L3: the waits of a node that dies leave the queues')],
  },
  {
    name: 'tokenless-release-means-whatever-is-held',
    guards: 'decision L10',
    breaks: 'A late copy of a release frees what was granted after it.',
    file: 'src/services/lock/commands.ts',
    original: "{ type: 'as-of', index } }",
    mutated: "{ type: 'as-of', index: index + 1e9 } }",
    checks: [test(service, 'decision L10: a late copy of a release without a token')],
  },
]
