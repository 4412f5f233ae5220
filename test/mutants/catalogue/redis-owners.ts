import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const decisions = 'src/runtime/redis-engine/decisions.test.ts'
const slot = 'src/runtime/redis-engine/hosted-slot.ts'

/** Owners of slots whose logs are in Redis. */
export const redisOwners: readonly Mutant[] = [
  {
    name: 'redis-unconfirmed-beat-counts',
    guards: 'decision Q2',
    breaks: 'A lease is prolonged by a beat that Redis did not confirm.',
    file: 'src/runtime/redis-engine/redis-host.ts',
    original: "        if (reply.type !== 'done') return\n        // A lease that has lapsed",
    mutated:
      "        if (reply.type === 'unconfirmed') this.#membership.beaten(sentAt, this.#membership.listed, this.#clock.now())\n        if (reply.type !== 'done') return\n        // A lease that has lapsed",
    checks: [test(decisions, 'decision Q2: an unconfirmed beat')],
  },
  {
    name: 'redis-serves-beyond-lease',
    guards: 'decision Q2',
    breaks: 'An owner answers questions after its lease has lapsed.',
    file: slot,
    original: "return this.#phase === 'serving' && this.#host.instant().now < this.#host.leaseUntil",
    mutated: "return this.#phase === 'serving' || this.#phase === 'suspended'",
    checks: [test(decisions, 'decision Q2: an owner that does not reach Redis')],
  },
  {
    name: 'redis-appends-without-asserting',
    guards: 'decision Q3',
    breaks: 'After a break an owner goes on as if nothing had happened.',
    file: 'src/runtime/redis-engine/redis-host.ts',
    original: 'for (const slot of this.slots.values()) slot.suspend()',
    mutated: '',
    checks: [test(decisions, 'decision Q3: after a fail-over nothing is appended')],
  },
  {
    name: 'redis-lost-entries-stay-lost',
    guards: 'decision Q3',
    breaks: 'An owner does not append again what Redis has lost.',
    file: 'src/runtime/redis-engine/recent-batches.ts',
    original: 'return at < 0 ? null : this.#batches.slice(at)',
    mutated: 'return at < 0 ? null : []',
    checks: [test(decisions, 'decision Q3: what Redis loses')],
  },
  {
    name: 'redis-goes-on-without-what-is-missing',
    guards: 'decision Q3',
    breaks: 'An owner whose log differs from that in Redis goes on all the same.',
    file: slot,
    original: 'const missing = recent.missingAfter(tail, this.#inFlight)',
    mutated: 'const missing = recent.missingAfter(tail, this.#inFlight) ?? []',
    checks: [test(decisions, 'decision Q3: a log that lost more')],
  },
  {
    name: 'redis-applies-before-confirmed',
    guards: 'decision Q4',
    breaks: 'A batch is applied and answered when it was written, not when it is confirmed.',
    file: slot,
    original: "if (reply.type !== 'done') this.suspend()\n        else if (reply.value === 'written') {",
    mutated: "if (reply.type === 'broken') this.suspend()\n        else if (reply.type === 'unconfirmed' || reply.value === 'written') {",
    checks: [test(decisions, 'decision Q4: nothing is applied')],
  },
  {
    name: 'redis-sends-doubtful-batch-anew',
    guards: 'decision Q4',
    breaks: 'A batch whose answer was lost is taken for one that Redis does not have.',
    file: 'src/runtime/redis-engine/recent-batches.ts',
    original: 'if (inFlight !== null && isSameTail(tail, tailOf(inFlight))) return [inFlight]',
    mutated: '',
    checks: [test(decisions, 'decision Q4: an append whose answer is lost')],
  },
]
