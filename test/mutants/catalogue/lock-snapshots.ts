import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const decisions = 'src/core/lock/decisions.test.ts'
const snapshot = 'src/core/lock/snapshot.test.ts'
const whole = 'a restored state is the same, field by field'
const writer = 'src/core/lock/snapshot-writer.ts'

/** What a replica that began with a snapshot would not know. */
export const lockSnapshots: readonly Mutant[] = [
  {
    name: 'answers-lost-in-the-snapshot',
    guards: 'decision L2',
    breaks: 'A replica that began with a snapshot carries out again what it has the answer to.',
    file: writer,
    original: "for (const [sequence, answer] of outcomes.answers()) yield { type: 'outcome', sequence, answer }",
    mutated: '',
    checks: [test(decisions, 'decision L2: a replica that began with a snapshot carries nothing out twice'), test(snapshot, whole)],
  },
  {
    name: 'seen-answers-lost-in-the-snapshot',
    guards: 'decision L2',
    breaks: 'A replica that began with a snapshot carries out again what was answered and seen.',
    file: writer,
    original: 'const { confirmed, floor } = outcomes',
    mutated: 'const [confirmed, floor] = [0, 0]',
    checks: [test(decisions, 'decision L2: a replica that began with a snapshot carries nothing out twice'), test(snapshot, whole)],
  },
  {
    name: 'tokens-begin-anew-after-a-snapshot',
    guards: 'decision L6',
    breaks: 'A replica that began with a snapshot gives tokens out again.',
    file: 'src/core/lock/snapshot-reader.ts',
    original: '    state.token = token\n',
    mutated: '',
    checks: [test(decisions, 'decision L6: tokens grow on in a replica that began with a snapshot')],
  },
  {
    name: 'age-of-a-grant-lost-in-the-snapshot',
    guards: 'decision L10',
    breaks: 'In a replica that began with a snapshot a late release meets a newer grant.',
    file: writer,
    original: '    token,\n    index,\n',
    mutated: '    token,\n    index: 0,\n',
    checks: [
      test(decisions, 'decision L10: a replica that began with a snapshot still knows what a late release means'),
      test(snapshot, whole),
    ],
  },
  {
    name: 'delay-lost-in-the-snapshot',
    guards: 'decision L11',
    breaks: 'A replica that began with a snapshot opens what is still closed.',
    file: writer,
    original: 'closure: closure === null ? null : { at: closure.at, id: closure.id }',
    mutated: 'closure: null',
    checks: [test(snapshot, whole)],
  },
  {
    name: 'leases-lost-in-the-snapshot',
    guards: 'decision L3',
    breaks: 'In a replica that began with a snapshot no lease ever ends.',
    file: writer,
    original: 'leaseAt: lease?.at ?? null',
    mutated: 'leaseAt: null',
    checks: [test(snapshot, whole)],
  },
  {
    name: 'ends-of-waits-lost-in-the-snapshot',
    guards: 'decision L3',
    breaks: 'In a replica that began with a snapshot no wait ever ends.',
    file: writer,
    original: 'upgrade,\n    ttlMs,\n    lockDelayMs,\n    endsAt: deadline?.at ?? null',
    mutated: 'upgrade,\n    ttlMs,\n    lockDelayMs,\n    endsAt: null',
    checks: [test(snapshot, whole)],
  },
  {
    name: 'askers-lost-in-the-snapshot',
    guards: 'decision L3',
    breaks: 'A replica that began with a snapshot does not know whose request a lock was granted to, and gives nothing back.',
    file: writer,
    original: 'attempt: attemptNumber(hold.attempt, numbers)',
    mutated: 'attempt: null',
    checks: [test(snapshot, whole)],
  },
  {
    name: 'wounds-lost-in-the-snapshot',
    guards: 'decision L5',
    breaks: 'In a replica that began with a snapshot a wounded client gets more.',
    file: writer,
    original: "for (const client of wounded.sort()) yield { type: 'wounded', client }",
    mutated: '',
    checks: [test(snapshot, 'a restored machine knows who is wounded')],
  },
  {
    name: 'delay-terms-lost-in-the-snapshot',
    guards: 'decision L11',
    breaks: 'In a replica that began with a snapshot a lost lock has no delay.',
    file: 'src/core/lock/snapshot-reader.ts',
    original: 'newHold({ resource, owner, mode, token, index, lockDelayMs,',
    mutated: 'newHold({ resource, owner, mode, token, index, lockDelayMs: 0,',
    checks: [test(snapshot, whole)],
  },
]
