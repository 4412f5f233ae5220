import type { Mutant } from '#test/mutants/mutant.ts'
import { simulator, test } from '#test/mutants/mutant.ts'

const decisions = 'src/core/raft/decisions.test.ts'
const pitfalls = 'src/core/raft/pitfalls-elections.test.ts'
const gaps = 'test/mutants/raft-gaps.test.ts'

/** Who may lead: votes, terms, and what a restart must not forget. */
export const elections: readonly Mutant[] = [
  {
    name: 'no-hold-off-after-restart',
    guards: 'decision R1',
    breaks: 'A restarted follower votes at once, inside the lease of the leader it has forgotten.',
    file: 'src/core/raft/replica.ts',
    original: 'this.now < this.holdUntil',
    mutated: 'this.now < Number.NEGATIVE_INFINITY',
    checks: [test(decisions, 'decision R1: a follower that restarts inside the lease'), simulator(2, 6, 7)],
  },
  {
    name: 'heartbeat-answered-before-term-durable',
    guards: 'decision R1',
    breaks: 'A new replica vouches for a lease and can come back from a crash as one that never ran.',
    file: 'src/core/raft/replica.ts',
    original: 'this.log.endedWrite >= this.termWrite',
    mutated: 'this.log.endedWrite >= 0',
    checks: [test(decisions, 'decision R1: a replica answers no heartbeat before its term is durable')],
  },
  {
    name: 'new-term-forgets-leader',
    guards: 'decision R1',
    breaks: 'A late message with a higher term makes a follower forget whose lease it has just prolonged.',
    file: 'src/core/raft/replica.ts',
    original: 'this.termWrite = Number.POSITIVE_INFINITY',
    mutated: 'this.termWrite = Number.POSITIVE_INFINITY\n    this.heardAt = millis(Number.NEGATIVE_INFINITY)',
    checks: [test(decisions, 'decision R1: a late message with a higher term')],
  },
  {
    name: 'no-stickiness',
    guards: 'pitfall 12',
    breaks: 'A follower that hears its leader votes for another all the same, so no lease can be trusted.',
    file: 'src/core/raft/election.ts',
    original: 'replica.heardFrom !== candidate && now - replica.heardAt < timing.electionMinMs',
    mutated: 'replica.heardFrom !== candidate && now < replica.heardAt',
    checks: [test(pitfalls, 'pitfall 12: a replica that hears its leader refuses'), simulator(1, 2, 3)],
  },
  {
    name: 'double-vote-after-restart',
    guards: 'pitfall 8',
    breaks: 'The vote is not written to disk, so a voter that restarts votes again in the same term.',
    file: 'src/core/raft/replica.ts',
    original: 'this.out.hardState({ term: this.term, vote: this.vote })',
    mutated: 'this.out.hardState({ term: this.term, vote: null })',
    checks: [test(pitfalls, 'pitfall 8: a vote holds for its whole term'), simulator(3, 5, 8)],
  },
  {
    name: 'vote-answered-before-durable',
    guards: 'pitfall 1',
    breaks: 'A vote is answered before it is on disk; a crash makes the voter vote twice in one term.',
    file: 'src/core/raft/election.ts',
    original: 'replica.out.sendAfterPersist({ ...refusal, term: replica.term, granted: true })',
    mutated: 'replica.out.send({ ...refusal, term: replica.term, granted: true })',
    checks: [test(pitfalls, 'pitfall 1: a vote is answered only when it is durable'), simulator(8, 11, 15)],
  },
  {
    name: 'second-vote-in-one-term',
    guards: 'paper 5.2',
    breaks: 'A voter grants its vote to whoever asks, several times in one term.',
    file: 'src/core/raft/election.ts',
    original: 'replica.vote === request.from || (replica.vote === null && replica.leader === null)',
    mutated: 'replica.leader === null',
    checks: [test('src/core/raft/raft-paper.test.ts', '5.2: each server votes for at most one candidate in a term'), simulator(1, 2, 3)],
  },
  {
    name: 'vote-for-older-log',
    guards: 'pitfall 5',
    breaks: 'Logs are compared by length alone, so a longer log of an older term wins over a committed entry.',
    file: 'src/core/raft/election.ts',
    original: 'asked.lastTerm > lastTerm || (asked.lastTerm === lastTerm && asked.lastIndex >= lastIndex)',
    mutated: 'asked.lastIndex > lastIndex || (asked.lastIndex === lastIndex && asked.lastTerm >= lastTerm)',
    checks: [test(pitfalls, 'pitfall 5: logs are compared by last term first')],
  },
  {
    name: 'own-vote-counts-before-durable',
    guards: 'pitfall 20',
    breaks: 'A candidate counts its own vote before that is on disk.',
    file: 'src/core/raft/election.ts',
    original: 'replica.log.endedWrite < replica.termWrite',
    mutated: 'replica.log.endedWrite < 0',
    checks: [test(gaps, 'pitfall 20: the end of an older write')],
  },
  {
    name: 'same-incarnation-after-wipe',
    guards: 'pitfall 34',
    breaks: 'A node that lost its disk comes back under the id of its former self, whose acknowledgements it has forgotten.',
    file: 'src/runtime/node.ts',
    original: 'this.#ports.entropy.hex(8)',
    mutated: "'0123456789abcdef'",
    checks: [simulator(3, 9, 10)],
  },
  {
    name: 'hand-over-in-hold-off',
    guards: 'decision R1',
    breaks: 'A restarted preferred leader is handed the lead before it may take it, and its group refuses commands for nothing.',
    file: 'src/runtime/citizen.ts',
    original: 'since !== null && clock.now() - since >= timing().electionMaxMs',
    mutated: 'since !== null',
    checks: [test('src/runtime/cluster-node.test.ts', 'a preferred leader that was restarted is handed the lead when it may take that')],
  },
]
