import type { Mutant } from '#test/mutants/mutant.ts'
import { simulator, test } from '#test/mutants/mutant.ts'

const pitfalls = 'src/core/raft/pitfalls-leader.test.ts'
const gaps = 'test/mutants/raft-gaps.test.ts'
const moves = 'src/core/cluster/moves.test.ts'
const moveActions = 'src/core/cluster/move-action.test.ts'
const clusterNode = 'src/runtime/cluster-node.test.ts'

/** Who replicates, and how that changes. */
export const membership: readonly Mutant[] = [
  {
    name: 'change-without-compare-and-set',
    guards: 'decision R8',
    breaks: 'A change of membership is taken although it was decided on another configuration.',
    file: 'src/core/raft/membership-change.ts',
    original: "if (log.membershipIndex !== change.expectedIndex) return 'stale-index'",
    mutated: '',
    checks: [test('src/core/raft/decisions.test.ts', 'decision R8: a change names the configuration it was decided on')],
  },
  {
    name: 'old-order-brings-replica-back',
    guards: 'decision R8',
    breaks: 'An order to host a replica is obeyed although something newer was decided since.',
    file: 'src/runtime/peer-service.ts',
    original: '!this.#host.own.isNews(id, { replica, decidedAt })',
    mutated: 'decidedAt < 0',
    checks: [test('test/mutants/host-group.test.ts', 'decision R8')],
  },
  {
    name: 'step-of-a-move-taken-twice',
    guards: 'decision R8',
    breaks: 'A step of a move is taken again, or out of order.',
    file: 'src/core/cluster/moves.ts',
    original: 'expected !== move.step || ',
    mutated: '',
    checks: [test(moves, 'decision R8: a step is taken once, in order')],
  },
  {
    name: 'replica-id-used-again',
    guards: 'decision R8',
    breaks: 'A replica that was removed comes back under the same id, as if it had never voted.',
    file: 'src/core/cluster/moves.ts',
    original: 'slot.nextGeneration + (to === null ? 0 : 1)',
    mutated: 'slot.nextGeneration',
    checks: [test(moves, 'decision R8: a replica id is never used twice')],
  },
  {
    name: 'move-follows-what-is-not-committed',
    guards: 'decision R8',
    breaks: 'The table records a configuration that the next leader of the slot takes back, and its move waits for ever.',
    file: 'src/core/cluster/move-action.ts',
    original: 'observed.membershipIndex > observed.commit || ',
    mutated: '',
    checks: [test(moveActions, 'decision R8: two meta leaders with old views')],
  },
  {
    name: 'lost-order-to-drop-leaves-replica',
    guards: 'decision R8',
    breaks: 'A replica whose order to be dropped got lost stays for ever.',
    file: 'src/runtime/citizen.ts',
    original: 'host.drop(stray.id, () => {})',
    mutated: 'void stray',
    checks: [test(clusterNode, 'a replica whose order to be dropped got lost'), simulator(3, 9, 29)],
  },
  {
    name: 'replica-dropped-by-an-old-table',
    guards: 'decision R8',
    breaks: 'A node gives up a replica that it was just told to host, because its own table is older than the order.',
    file: 'src/runtime/cluster-node.ts',
    original: 'currentState: (then) => this.#askMeta(then)',
    mutated: 'currentState: (then) => then(this.#known.state)',
    checks: [test(clusterNode, 'decision R8: a node whose table is older')],
  },
  {
    name: 'commit-without-joint-quorum',
    guards: 'pitfall 29',
    breaks: 'In a joint configuration a majority of the new voters alone commits.',
    file: 'src/core/raft/quorum.ts',
    original: 'Math.min(majorityValue(membership.voters, valueOf), majorityValue(membership.outgoing, valueOf))',
    mutated: 'majorityValue(membership.voters, valueOf)',
    checks: [
      test('src/core/raft/quorum.test.ts', 'the agreed value is the largest that majorities of both halves have reached'),
      test(gaps, 'pitfall 29: in a joint configuration the new majority alone'),
    ],
  },
  {
    name: 'election-without-joint-quorum',
    guards: 'pitfall 29',
    breaks: 'In a joint configuration a majority of the new voters alone elects a leader.',
    file: 'src/core/raft/quorum.ts',
    original: 'majorityVote(membership.outgoing, votes)]',
    mutated: "'won']",
    checks: [
      test('src/core/raft/quorum.test.ts', 'an election is won, lost or open as counting by hand says'),
      test(gaps, 'pitfall 29: in a joint configuration the new majority alone'),
    ],
  },
  {
    name: 'half-of-the-voters-is-a-majority',
    guards: 'paper 5.2',
    breaks: 'Half of an even number of voters counts as a majority.',
    file: 'src/core/raft/quorum.ts',
    original: 'Math.floor(voters / 2) + 1',
    mutated: 'Math.ceil(voters / 2)',
    checks: [test('src/core/raft/quorum.test.ts', 'a majority is more than half')],
  },
  {
    name: 'truncation-keeps-the-membership',
    guards: 'pitfall 27',
    breaks: 'A configuration stays in force although its entry was truncated.',
    file: 'src/core/raft/log.ts',
    original: 'while (this.membershipIndex >= index) this.#memberships.pop()',
    mutated: '',
    checks: [test(pitfalls, 'pitfall 27: a configuration counts from its append')],
  },
  {
    name: 'change-before-first-commit',
    guards: 'pitfall 26',
    breaks: 'A new leader changes the membership before an entry of its own term is committed.',
    file: 'src/core/raft/membership-change.ts',
    original: "log.membershipIndex > log.commit || log.commit < role.termStart) return 'change-pending'",
    mutated: "log.membershipIndex > log.commit) return 'change-pending'",
    checks: [test(pitfalls, 'pitfall 26: one change at a time, and none before')],
  },
  {
    name: 'cold-voter',
    guards: 'pitfall 32',
    breaks: 'A replica that has nothing yet becomes a voter, and the group waits for it.',
    file: 'src/core/raft/membership-change.ts',
    original: 'added.every((voter) => isCaughtUp(replica, role, voter))',
    mutated: 'added.every((voter) => role.progress.has(voter) || true)',
    checks: [test(pitfalls, 'pitfall 32: a new voter must have been a learner that keeps up')],
  },
  {
    name: 'removed-leader-stays',
    guards: 'pitfall 31',
    breaks: 'A leader that its group has removed goes on leading.',
    file: 'src/core/raft/membership-change.ts',
    original: '    resignIfRemoved(replica, role)\n',
    mutated: '',
    checks: [test(pitfalls, 'pitfall 31: a leader that removes itself leads until that is committed')],
  },
]
