import type { Mutant } from '#test/mutants/mutant.ts'
import { simulator, test } from '#test/mutants/mutant.ts'

const decisions = 'src/core/raft/decisions.test.ts'
const pitfalls = 'src/core/raft/pitfalls-leader.test.ts'
const rest = 'src/core/raft/rest.test.ts'

/** What a leader may conclude from being answered, and what it may serve. */
export const leases: readonly Mutant[] = [
  {
    name: 'heartbeat-credited-to-every-group',
    guards: 'decision R2',
    breaks: 'An answer to one group’s heartbeat counts for every group that this node leads.',
    file: 'src/runtime/host.ts',
    original: "this.groups.get(beat.group)?.step({ type: 'message', message })",
    mutated: `for (const group of this.groups.values()) {
      const { self: to, term } = group.raft
      const { role } = group.raft.inspect()
      if (group.id === beat.group) group.step({ type: 'message', message })
      else if (type === 'heartbeat-ack' && role.type === 'leader') {
        group.step({ type: 'message', message: { ...message, to, term, round: role.round, match: 0 } as Message })
      }
    }`,
    checks: [test('test/mutants/host-heartbeats.test.ts', 'decision R2: an answer that does not name a group'), simulator(1, 15, 18)],
  },
  {
    name: 'lease-counts-from-receipt',
    guards: 'decision R2',
    breaks: 'A lease counts from when the answer arrives, not from when the heartbeat was sent.',
    file: 'src/core/raft/leader.ts',
    original: 'millis(role.sentAt[ack.round % limits.roundsRemembered] as number)',
    mutated: 'replica.now',
    checks: [test(decisions, 'decision R2: an answer is credited from when its round was sent')],
  },
  {
    name: 'round-never-sent-is-credited',
    guards: 'decision R2',
    breaks: 'An answer to a round that this leader never sent is credited.',
    file: 'src/core/raft/leader.ts',
    original: 'progress === undefined || ack.round > role.round',
    mutated: 'progress === undefined',
    checks: [test(decisions, 'decision R2: an answer is credited only in its term, for a round that was sent')],
  },
  {
    name: 'lease-kept-through-transfer',
    guards: 'pitfall 39',
    breaks: 'A leader goes on trusting its lease after it has told another to campaign in spite of it.',
    file: 'src/core/raft/leader.ts',
    original: 'role.leaseForfeited = true',
    mutated: 'role.leaseForfeited = false',
    checks: [test(pitfalls, 'pitfall 39: the lease ends before the target of a transfer is told to campaign'), simulator(1, 2, 3)],
  },
  {
    name: 'lease-stays-forfeited',
    guards: 'pitfall 33',
    breaks: 'A leader that may not campaign when a transfer fails goes on in its term without a lease for ever.',
    file: 'src/core/raft/leader.ts',
    original: 'role.leaseForfeited && replica.mayCampaign',
    mutated: 'false',
    checks: [test(pitfalls, 'pitfall 33: a leader that may not campaign when a transfer fails has a lease again once it may')],
  },
  {
    name: 'hands-over-to-the-same-one-for-ever',
    guards: 'pitfall 33',
    breaks: 'A leader that may not lead offers its place to another that may not either, and takes no proposal meanwhile, for ever.',
    file: 'src/core/raft/leader.ts',
    original: '!role.passedOver.has(id) && ',
    mutated: '',
    checks: [test(pitfalls, 'pitfall 33: a leader that may not lead hands over to one after the other')],
  },
  {
    name: 'only-voter-votes-inside-a-lease',
    guards: 'decision R1',
    breaks: 'Who was restarted as the only voter that it knows of votes for another while the lease that it has prolonged still runs.',
    file: 'src/core/raft/replica.ts',
    original: 'return this.now < this.holdUntil',
    mutated: 'return this.now < this.holdUntil && this.log.membership.voters.length > 1',
    checks: [test(decisions, 'decision R1: who was restarted as the only voter that it knows')],
  },
  {
    name: 'lease-before-first-commit',
    guards: 'pitfall 4',
    breaks: 'A new leader answers reads under its lease before an entry of its term is committed.',
    file: 'src/core/raft/lease.ts',
    original: ' || replica.log.commit < role.termStart',
    mutated: '',
    checks: [test('test/mutants/raft-gaps.test.ts', 'pitfall 4: a lease and a read begin only when')],
  },
  {
    name: 'read-index-before-first-commit',
    guards: 'pitfall 4',
    breaks: 'A new leader notes its commit index for a read before it knows what its predecessors have committed.',
    file: 'src/core/raft/reads.ts',
    original: 'if (replica.log.commit < role.termStart) return',
    mutated: '',
    checks: [test('src/core/raft/pitfalls-log.test.ts', 'pitfall 4: a read waits until an entry of the term is committed')],
  },
  {
    name: 'read-without-a-round',
    guards: 'paper 8',
    breaks: 'A leader without a lease answers reads without asking whether it still leads.',
    file: 'src/core/raft/reads.ts',
    original: 'role.reads[0].round <= answered',
    mutated: 'answered >= 0',
    checks: [test('src/core/raft/raft-paper.test.ts', '8: a leader answers a read only after a majority has answered')],
  },
  {
    name: 'read-before-applied',
    guards: 'paper 8',
    breaks: 'A read is answered from the local state before that has reached the index of the read.',
    file: 'src/runtime/reads.ts',
    original: 'else read.replica.applier.whenApplied(index,',
    mutated: 'else read.replica.applier.whenApplied(read.replica.applier.last.index,',
    checks: [simulator(2, 6, 8)],
  },
  {
    name: 'leads-without-a-majority',
    guards: 'pitfall 17',
    breaks: 'A leader that no majority answers goes on leading and taking proposals.',
    file: 'src/core/raft/leader.ts',
    original: 'if (unheard || replica.diskHangs)',
    mutated: 'if (replica.diskHangs)',
    checks: [test(pitfalls, 'pitfall 17: a leader that no majority answers steps down')],
  },
  {
    name: 'leads-with-a-hung-disk',
    guards: 'pitfall 18',
    breaks: 'A leader whose disk hangs keeps the lead, for its heartbeats do not need the disk.',
    file: 'src/core/raft/leader.ts',
    original: 'if (unheard || replica.diskHangs)',
    mutated: 'if (unheard)',
    checks: [test(pitfalls, 'pitfall 18: a leader whose disk hangs gives up')],
  },
  {
    name: 'transfer-never-ends',
    guards: 'pitfall 33',
    breaks: 'A leader whose transfer came to nothing refuses proposals for ever.',
    file: 'src/core/raft/leader.ts',
    original: 'role.transfer !== null && now >= role.transfer.deadline',
    mutated: 'role.transfer !== null && now < 0',
    checks: [test(pitfalls, 'pitfall 33: proposals are refused during a transfer, and taken again')],
  },
  {
    name: 'rest-is-not-heeded',
    guards: 'groups at rest',
    breaks: 'Followers of a group at rest campaign as early as if its rounds came as often as ever.',
    file: 'src/core/raft/follower.ts',
    original: 'replica.resetElectionDeadline(restMs)',
    mutated: 'replica.resetElectionDeadline()',
    checks: [test(rest, 'followers of a group at rest wait as much longer')],
  },
  {
    name: 'rests-past-the-lease',
    guards: 'groups at rest',
    breaks: 'A leader rests so long that its lease ends between two rounds.',
    file: 'src/core/raft/leader.ts',
    original: '> timing.leaseMs) return false',
    mutated: '> 2 * timing.leaseMs) return false',
    checks: [test(rest, 'a group at rest keeps its lease from round to round')],
  },
]
