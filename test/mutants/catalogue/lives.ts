import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const lives = 'src/core/cluster/lives.test.ts'
const store = 'src/runtime/fleeting-log-store.test.ts'

/** Slots that are kept in memory, and what becomes of one that lost a majority. */
export const slotLives: readonly Mutant[] = [
  {
    name: 'slot-anew-with-its-majority',
    guards: 'decision C12',
    breaks: 'A slot begins anew although those that are not lost may go on without it.',
    file: 'src/core/cluster/lives.ts',
    original: "if (!isBeyondRecovery(slot)) return 'majority-left'",
    mutated: '',
    checks: [test(lives, 'decision C12: a slot that lost a majority')],
  },
  {
    name: 'slot-anew-by-one-configuration',
    guards: 'decision C12',
    breaks: 'A slot on the move begins anew when only one of its two configurations has lost its majority.',
    file: 'src/core/cluster/lives.ts',
    original: 'configurationsOf(slot).every(',
    mutated: 'configurationsOf(slot).some(',
    checks: [test(lives, 'decision C12: a slot on the move')],
  },
  {
    name: 'slot-waits-for-a-learner-on-its-way-back',
    guards: 'decision C12',
    breaks: 'A learner that is taken back is not said to be lost, and its slot, for which it may vote, waits for it for ever.',
    file: 'src/runtime/slot-lives.ts',
    original: 'const learner = move?.to ?? null',
    mutated: "const learner = move === null || move.step === 'revert' ? null : move.to",
    checks: [test('src/runtime/slot-lives.test.ts', 'decision C12: a learner that is taken back')],
  },
  {
    name: 'slot-anew-within-a-lease',
    guards: 'decision C12',
    breaks: 'A slot begins anew while somebody may rely on a lease of its former life.',
    file: 'src/core/cluster/lives.ts',
    original: "if (context.time < anewFrom(state, slot)) return 'too-early'",
    mutated: '',
    checks: [test(lives, 'decision C12: nothing begins anew while')],
  },
  {
    name: 'slot-anew-in-a-former-term',
    guards: 'decision C12',
    breaks: 'The new life of a slot begins in a term in which somebody may have led before.',
    file: 'src/core/cluster/lives.ts',
    original: 'Math.max(slot.life.term, ...slot.lost.map((replica) => replica.term))',
    mutated: 'slot.life.term',
    checks: [test(lives, 'decision C12: a slot that lost a majority')],
  },
  {
    name: 'leases-of-former-constants',
    guards: 'decision C12',
    breaks: 'A slot begins anew while a leader that is cut off goes by a longer lease than is in force.',
    file: 'src/core/cluster/lives.ts',
    original: 'constants.timing.electionMinMs + 1.1 * clientLeaseMsMax',
    mutated: '1.1 * (constants.timing.leaseMs + clientLeaseMsMax)',
    checks: [test(lives, 'decision C12: leases last no longer than the wait')],
  },
  {
    name: 'led-slot-given-up',
    guards: 'decision C12',
    breaks: 'Replicas of a slot that is led are given up because the leader of the meta group does not hear them.',
    file: 'src/runtime/peer-service.ts',
    original: 'isOwn && givesUp && leader !== null',
    mutated: 'isOwn && givesUp && leader === group.toString()',
    checks: [test('src/runtime/slot-lives.test.ts', 'decision C12: a majority that works, though the meta leader does not hear it')],
  },
  {
    name: 'ready-without-its-slots',
    guards: 'decision C12',
    breaks: 'A node that came back without its disk is ready at once, and who restarts nodes one after the other goes on too early.',
    file: 'src/runtime/slot-lives.ts',
    original: 'replica.node === name && replica.incarnation !== incarnation',
    mutated: 'replica.node === name && replica.incarnation === name',
    checks: [test('src/runtime/slot-lives.test.ts', 'decision C12: a node that came back without its disk is ready when')],
  },
  {
    name: 'lost-replica-counts-as-alive',
    guards: 'decision C12',
    breaks: 'A replica that has lost what it promised to keep counts in majorities as before.',
    file: 'src/core/cluster/replica.ts',
    original: "holder.state !== 'dead' && !isLost(slot, replica)",
    mutated: "holder.state !== 'dead'",
    checks: [test(lives, 'decision C12')],
  },
  {
    name: 'vote-before-its-term-is-on-disk',
    guards: 'decision C12',
    breaks: 'A replica in memory enters a term that its node does not remember when it is gone.',
    file: 'src/runtime/fleeting-log-store.ts',
    original: ' || living.term !== known.term',
    mutated: '',
    checks: [test(store, 'decision C12')],
  },
]
