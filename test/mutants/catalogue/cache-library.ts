import type { Mutant } from '#test/mutants/mutant.ts'
import { cacheLibrarySimulator } from '#test/mutants/mutant.ts'

/** Faults of agents in applications that the simulator has to find by itself, with programs that use the library. */
export const cacheLibrary: readonly Mutant[] = [
  {
    name: 'cache-library-hits-on-an-old-clock',
    guards: 'cache rule 8',
    breaks: 'A program looks at its lines by the time that it had when it opened its cache, and no lease is ever over.',
    file: 'src/sdk/cache/cache-client.ts',
    original: 'clock: this.#ports.leaseClock, namespace',
    mutated: 'clock: ((from) => ({ now: () => from }))(this.#ports.leaseClock.now()), namespace',
    checks: [cacheLibrarySimulator(1)],
  },
  {
    name: 'cache-library-lease-from-the-answer',
    guards: 'cache rule 8',
    breaks: 'A lease counts from when its answer came, which may be long after the home began to count.',
    file: 'src/core/cache/agent-sessions.ts',
    original: 'const until = millis(sentAt + state.limits.leaseMs - state.limits.marginMs)',
    mutated: 'const until = millis(state.now + state.limits.leaseMs - state.limits.marginMs + 0 * sentAt)',
    checks: [cacheLibrarySimulator(1)],
  },
  {
    name: 'cache-library-one-handle-for-all',
    guards: 'decision C8',
    breaks: 'What one handle has written at the level owner, every handle of the process sees before memory has it.',
    file: 'src/sdk/cache/cache-agent.ts',
    original: 'return handle(++this.#handles)',
    mutated: 'return handle(1 + 0 * ++this.#handles)',
    checks: [cacheLibrarySimulator(3)],
  },
  {
    name: 'cache-library-joins-an-earlier-load',
    guards: 'decision C10',
    breaks: 'Who asks is given what a loader brings that had begun before, and so perhaps what was there before a write that it knows of.',
    file: 'src/sdk/cache/cache.ts',
    original: 'if (earlier !== undefined) {',
    mutated: 'if (earlier === null) {',
    checks: [cacheLibrarySimulator(4)],
  },
  {
    name: 'cache-library-token-outlives-a-write',
    guards: 'decision C10',
    breaks: 'What a loader brings is stored over what was written while it was at it.',
    file: 'src/core/cache/home-transactions.ts',
    original: "  if (outcomes.some(({ type }) => type === 'done')) endFill(state, key)\n",
    mutated: '',
    checks: [cacheLibrarySimulator(2)],
  },
  {
    name: 'cache-library-timeout-for-what-was-sent',
    guards: 'decision C6',
    breaks: 'A change that nobody answered in time is told not to be carried out, and is.',
    file: 'src/sdk/cache/changing.ts',
    original: '(asked.unsent && attempts === 1 ? timedOut() : unknown())',
    mutated: 'timedOut()',
    checks: [cacheLibrarySimulator(1)],
  },
]
