import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const catalogue = 'src/core/queue/catalogue.test.ts'

/** Which queues there are. */
export const queueCatalogue: readonly Mutant[] = [
  {
    name: 'deletion-answered-early',
    guards: 'decision Q9',
    breaks: 'A queue is gone when the first slot has carried its deletion out.',
    file: 'src/core/queue/catalogue.ts',
    original: '    if (left.pending.length > 0) {',
    mutated: '    if (left.pending.length > known.pending.length) {',
    checks: [test(catalogue, 'decision Q9: a deletion is over when every slot has carried it out, and until then the name is taken')],
  },
  {
    name: 'name-free-while-being-deleted',
    guards: 'decision Q9',
    breaks: 'A queue is made anew while slots still hold messages of the one that had its name.',
    file: 'src/core/queue/catalogue.ts',
    original: "    if ([...state.deleting.values()].some((deleting) => deleting.name === name)) return refuse('being_deleted')\n",
    mutated: '',
    checks: [test(catalogue, 'decision Q9: a deletion is over when every slot has carried it out, and until then the name is taken')],
  },
  {
    name: 'deletion-of-the-next-queue',
    guards: 'decision Q9',
    breaks: 'A deletion meets the queue that got the name since, and only in the slots of the one before.',
    file: 'src/core/queue/catalogue.ts',
    original: "    if (definition.generation !== meant) return refuse('stale_generation')\n",
    mutated: '',
    checks: [test(catalogue, 'decision Q9: a deletion is of the queue that it names, and of none that got the name since')],
  },
  {
    name: 'two-first-messages-two-queues',
    guards: 'decision Q9',
    breaks: 'The second first message makes another queue of the same name.',
    file: 'src/core/queue/catalogue.ts',
    original: "    if (listing !== null) return { type: 'queue', created: false, ...listing }\n",
    mutated: '',
    checks: [test(catalogue, 'decision Q9: two first messages create one queue, of one generation')],
  },
  {
    name: 'dead-letter-cycle',
    guards: 'decision Q11',
    breaks: 'The dead letters of a queue come back to it.',
    file: 'src/core/queue/catalogue.ts',
    original: "    if (this.#closesCycle(name, settings)) return refuse('dead_letter_cycle')\n",
    mutated: '',
    checks: [test(catalogue, 'decision Q11: dead letters that would come back to their queue are refused, over any number of queues')],
  },
  {
    name: 'short-cycles-only',
    guards: 'decision Q11',
    breaks: 'Only a queue that is its own target is refused.',
    file: 'src/core/queue/catalogue.ts',
    original: '      target = this.#state.queues.get(target)?.settings.deadLetterQueue ?? null',
    mutated: '      target = null',
    checks: [test(catalogue, 'decision Q11: dead letters that would come back to their queue are refused, over any number of queues')],
  },
  {
    name: 'catalogue-partitions-change',
    guards: 'decision Q8',
    breaks: 'A change of settings changes the partitions.',
    file: 'src/core/queue/catalogue.ts',
    original: "    if (partitions !== null && partitions !== known.partitions) return refuse('partitions_fixed')\n",
    mutated: '',
    checks: [test(catalogue, 'decision Q8: partitions are those of the creation')],
  },
  {
    name: 'version-lost-in-the-snapshot',
    guards: 'decision Q9',
    breaks: 'A generation is given out a second time by a replica that began with a snapshot.',
    file: 'src/core/queue/catalogue-snapshot.ts',
    original: '{ version: first.version, queues:',
    mutated: '{ version: 1, queues:',
    checks: [test(catalogue, 'decision Q9: generations and versions only grow, also over a snapshot')],
  },
]
