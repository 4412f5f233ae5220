import type { Check, Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const fault = (name: string): Check => test('src/sdk/cache/faults.test.ts', name)
const hostile = (name: string): Check => test('src/services/cache/hostile-client.test.ts', name)
const basic = (name: string): Check => test('src/sdk/cache/cache.test.ts', name)

/** What an agent in an application rests on, and what nodes must not let one do. */
export const cacheApplications: readonly Mutant[] = [
  {
    name: 'cache-session-of-another',
    guards: 'cache rule 11',
    breaks: 'Who guesses the number of a session answers snoops for another agent, which goes on using its line.',
    file: 'src/core/cache/home.ts',
    original: 'known?.agent === from ? known : undefined',
    mutated: 'known',
    checks: [hostile('nobody speaks in the session of another')],
  },
  {
    name: 'cache-numbers-that-go-back',
    guards: 'cache rule 5',
    breaks: 'An agent that says a smaller number than was taken makes a version go back, and every replica of the slot ends.',
    file: 'src/core/cache/home-transactions.ts',
    original: ' && follows(entry.taken, held, dirty)',
    mutated: '',
    checks: [hostile('rule 5: numbers that go back')],
  },
  {
    name: 'cache-push-from-the-future',
    guards: 'cache rule 5',
    breaks: 'What an application pushes bears a term that is still to come, above all that the home writes next.',
    file: 'src/services/cache/application-guard.ts',
    original: "    if (version.term >= term) return 'a version of a term that has only begun'\n",
    mutated: '',
    checks: [hostile('what no agent says ends the connection')],
  },
  {
    name: 'cache-value-that-is-no-json',
    guards: 'cache rule 11',
    breaks: 'An application stores bytes that break the answers of every node to those who read by HTTP.',
    file: 'src/services/cache/application-guard.ts',
    original: '    JSON.parse(decoder.decode(bytes))\n',
    mutated: '    decoder.decode(bytes)\n',
    checks: [hostile('what no agent says ends the connection')],
  },
  {
    name: 'cache-application-unbounded',
    guards: 'cache rule 15',
    breaks: 'A home keeps as many answers for one application as that likes.',
    file: 'src/services/cache/request-budget.ts',
    original: '    if (isFull && number > oldest) return false\n',
    mutated: '',
    checks: [hostile('what an application makes a home keep')],
  },
  {
    name: 'cache-leave-unsaid',
    guards: 'cache rule 7',
    breaks: 'A program that closes its cache holds up writers until its lease is over.',
    file: 'src/sdk/cache/cache-agent.ts',
    original: '    this.#host.leave()\n',
    mutated: '',
    checks: [fault('an application that is closed has told memory all')],
  },
  {
    name: 'cache-close-owes',
    guards: 'cache rule 9',
    breaks: 'What a program wrote at the level `owner` is lost when it closes its cache.',
    file: 'src/sdk/cache/cache-agent.ts',
    original: 'while (this.#host.owed > 0 && clock.now() < deadline)',
    mutated: 'while (false)',
    checks: [fault('an application that is closed has told memory all')],
  },
  {
    name: 'cache-hits-on-an-old-clock',
    guards: 'cache rule 8',
    breaks: 'A program that was stopped between two hits goes on with the time from before, and uses a line whose lease is over.',
    file: 'src/sdk/cache/cache-client.ts',
    original: 'clock: this.#ports.leaseClock, namespace',
    mutated: 'clock: ((from) => ({ now: () => from }))(this.#ports.leaseClock.now()), namespace',
    checks: [fault('rule 8: every hit reads the clock')],
  },
  {
    name: 'cache-change-made-again-as-another',
    guards: 'decision C6',
    breaks: 'A change whose answer was lost with the lease is carried out a second time.',
    file: 'src/sdk/cache/changing.ts',
    original: 'operation: { change: wanted, identity } }',
    mutated: 'operation: { change: wanted, identity: null } }',
    checks: [fault('decision C6: a change whose answer is lost')],
  },
  {
    name: 'cache-loaders-in-one-process',
    guards: 'decision C10',
    breaks: 'A loader that throws keeps its token, and everybody waits until that runs out.',
    file: 'src/sdk/cache/filling.ts',
    original: '    giveBack(place, asked.token)\n    throw error\n',
    mutated: '    throw error\n',
    checks: [basic('a loader that throws, or finds nothing')],
  },
  {
    name: 'cache-home-only-directly',
    guards: 'cache rule 11',
    breaks: 'An application that cannot reach a home itself has no way to it.',
    file: 'src/services/cache/bus.ts',
    original: "if (home !== null && home !== name) return this.#post.send(home, { type: 'to-home', from: agent, message })\n",
    mutated: '',
    checks: [fault('a home that an application cannot reach itself')],
  },
]
