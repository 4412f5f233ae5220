import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const decisions = 'src/core/queue/decisions.test.ts'
const ids = 'src/core/queue/message-id.test.ts'

/** Ids of messages. */
export const queueIds: readonly Mutant[] = [
  {
    name: 'check-ignored',
    guards: 'decision Q5',
    breaks: 'A late ack of a message that another log had under the same place settles the wrong one.',
    file: 'src/core/queue/receipts.ts',
    original: 'return ledger.seek(index, offset) && ledger.check === check ? record : null',
    mutated: 'return ledger.seek(index, offset) ? record : null',
    checks: [test(decisions, 'decision Q5: an id that another message had under the same place means nothing')],
  },
  {
    name: 'check-without-the-entry',
    guards: 'decision Q5',
    breaks: 'Ids do not depend on what their entry holds.',
    file: 'src/core/queue/produce.ts',
    original: 'entryCheck(state.clusterHash, term, bytes)',
    mutated: 'entryCheck(state.clusterHash, term, bytes.subarray(0, 4))',
    checks: [test(decisions, 'decision Q5: an id that another message had under the same place means nothing')],
  },
  {
    name: 'check-without-the-term',
    guards: 'decision Q5',
    breaks: 'The same entry has the same ids in another term.',
    file: 'src/core/queue/entry-check.ts',
    original: 'const seed = mixed(cluster, term >>> 0)',
    mutated: 'const seed = mixed(cluster, 0)',
    checks: [
      test(ids, 'decision Q5: the check tells clusters, terms and entries apart, to the last bit'),
      test(decisions, 'decision Q5: the same entry has other ids in another term and in another cluster'),
    ],
  },
  {
    name: 'slot-ignored',
    guards: 'decision Q5',
    breaks: 'An id of another slot settles a message of this one.',
    file: 'src/core/queue/receipts.ts',
    original: '  if (slot !== state.identity.slot) return null\n',
    mutated: '',
    checks: [test(decisions, 'decision Q5: an id that another message had under the same place means nothing')],
  },
  {
    name: 'id-loses-bits',
    guards: 'decision Q5',
    breaks: 'The low bits of the log index are lost in the id.',
    file: 'src/core/queue/message-id.ts',
    original: '((index & 0xf) << 10)',
    mutated: '((index & 0x7) << 10)',
    checks: [test(ids, 'decision Q5: an id is a UUID of version 8 that holds slot, index, offset and check')],
  },
]
