import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const decisions = 'src/runtime/redis-engine/decisions.test.ts'
const node = 'src/runtime/redis-engine/redis-node.test.ts'
const queues = 'src/services/queue/queue-on-redis.test.ts'
const flags = 'src/cli/commands/node.test.ts'

/** The queue service on slots that are in Redis. */
export const redisQueues: readonly Mutant[] = [
  {
    name: 'redis-lapsed-owner-goes-on',
    guards: 'decision Q2',
    breaks: 'An owner that slept through its lease answers from what it knew as soon as its next beat is confirmed.',
    file: 'src/runtime/redis-engine/redis-host.ts',
    original: '        for (const slot of this.slots.values()) slot.round()\n        this.#membership.beaten(',
    mutated: '        this.#membership.beaten(',
    checks: [
      test(decisions, 'decision Q2: a beat that is confirmed after a lease has lapsed'),
      test(decisions, 'decision Q3: an owner whose lease lapsed while its beat was under way asserts'),
      test(queues, 'a lease that runs out while its owner waits for Redis ends as soon as that answers'),
    ],
  },
  {
    name: 'redis-waiting-consumer-not-served-again',
    guards: 'long polling',
    breaks: 'What is confirmed while an owner is without a lease is not delivered to those who wait for it.',
    file: 'src/services/queue/consumer-desk.ts',
    original: 'if (!this.#unserved.delete(group)) return',
    mutated: 'if (this.#unserved.size >= 0) return',
    checks: [test(queues, 'a consumer that waits gets what was confirmed while its owner was without a lease')],
  },
  {
    name: 'redis-unsafe-settings-taken',
    guards: 'queues in Redis',
    breaks: 'A Redis that may lose what it has answered is used, as if that had been asked for.',
    file: 'src/runtime/redis-engine/redis-host.ts',
    original: "if (faults !== '' && !this.#options.relaxed) {",
    mutated: "if (faults !== '' && servers.length === 0) {",
    checks: [test(node, 'a Redis that may lose what it has answered')],
  },
  {
    name: 'redis-replicas-not-minded',
    guards: 'queues in Redis',
    breaks: 'Replicas that nobody waits for may be promoted without what was answered, and nobody says so.',
    file: 'src/runtime/redis-engine/settings.ts',
    original: 'if (replicas > confirming) {',
    mutated: 'if (replicas < confirming) {',
    checks: [test(node, 'a Redis that may lose what it has answered')],
  },
  {
    name: 'redis-ready-without-redis',
    guards: 'queues in Redis',
    breaks: 'A node that does not reach Redis says that it is ready.',
    file: 'src/runtime/redis-engine/redis-standing.ts',
    original: 'if (problem !== null) return problem',
    mutated: 'if (problem !== null && cluster === null) return problem',
    checks: [test(node, 'a node tells why it is not ready')],
  },
  {
    name: 'redis-former-life-wins',
    guards: 'queues in Redis',
    breaks: 'A node that was started again is known by the address and the silence of its former life.',
    file: 'src/runtime/redis-engine/redis-standing.ts',
    original: 'Number(live.has(left.id)) - Number(live.has(right.id))',
    mutated: 'Number(live.has(right.id)) - Number(live.has(left.id))',
    checks: [test(node, 'a node tells who is there')],
  },
  {
    name: 'redis-late-beat-is-a-life',
    guards: 'queues in Redis',
    breaks: 'A last beat of a former life, late on its way, ends the node that was started again.',
    file: 'src/runtime/redis-engine/membership.ts',
    original: '?? Number.POSITIVE_INFINITY) + 2)',
    mutated: '?? Number.POSITIVE_INFINITY) + 1)',
    checks: [test(node, 'of two processes under one name')],
  },
  {
    name: 'redis-deadlines-forgotten',
    guards: 'queues in Redis',
    breaks: 'An owner that goes on after a break does not look at the deadlines that passed meanwhile.',
    file: 'src/runtime/redis-engine/hosted-slot.ts',
    original: '    this.#host.dirty(this.slot)\n    this.#host.advanced(this.slot)\n',
    mutated: '    this.#host.dirty(this.slot)\n',
    checks: [test(queues, 'a lease that ran out while Redis was out of reach')],
  },
  {
    name: 'redis-past-counted-again',
    guards: 'queues in Redis',
    breaks: 'A successor counts the whole log that it reads as if it happened now.',
    file: 'src/services/queue/queue-server.ts',
    original: 'if (this.#machines.get(group) !== machine || this.#ports.node().appliedIndex(group) === null) return',
    mutated: 'if (this.#machines.get(group) !== machine) return',
    checks: [test(queues, 'a successor delivers what the owner that died')],
  },
  {
    name: 'redis-catalogue-not-asked-elsewhere',
    guards: 'queues in Redis',
    breaks: 'A node that has just lost the catalogue refuses whoever asks it about a queue.',
    file: 'src/services/queue/directory.ts',
    original: 'answer === null && !this.#path.hasReplica ? ask() : resolve(answer)',
    mutated: 'resolve(answer)',
    checks: [test(queues, 'a node that owned the catalogue')],
  },
  {
    name: 'redis-url-repeated',
    guards: 'queues in Redis',
    breaks: 'A mistake in the URL of Redis is told with the password in it.',
    file: 'src/cli/flags/engine.ts',
    original: ': ${place.error}`)',
    mutated: ': ${place.error}: ${String(url)}`)',
    checks: [test(flags, 'queues are kept in Redis')],
  },
]
