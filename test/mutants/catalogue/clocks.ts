import type { Mutant } from '#test/mutants/mutant.ts'
import { simulator, test } from '#test/mutants/mutant.ts'

const decisions = 'src/core/raft/decisions.test.ts'
const timing = 'src/core/cluster/timing.test.ts'
const wallClock = 'test/mutants/wall-clock.test.ts'

/** Time constants and time stamps. */
export const clocks: readonly Mutant[] = [
  {
    name: 'unsafe-mixture-taken',
    guards: 'decision R4',
    breaks: 'Constants change in one step, so for a while somebody waits less than another trusts its lease.',
    file: 'src/core/cluster/machine.ts',
    original: "if (!isSafeMixture(timing, command.timing)) return refuse(state, 'unsafe-mixture')",
    mutated: '',
    checks: [test(timing, 'decision R4: raising waits and leases takes two steps')],
  },
  {
    name: 'constants-go-back',
    guards: 'decision R4',
    breaks: 'A node that is restarted takes up constants it has left behind, as the past of the cluster runs by.',
    file: 'src/runtime/citizen.ts',
    original: 'current.revision >= constants.revision',
    mutated: 'current.revision === constants.revision',
    checks: [simulator(910_915, 910_920)],
  },
  {
    name: 'change-before-adoption',
    guards: 'decision R4',
    breaks: 'Constants change again before every voter runs the ones before.',
    file: 'src/core/cluster/machine.ts',
    original: "if (!isAdopted(state)) return refuse(state, 'not-adopted')",
    mutated: '',
    checks: [test(timing, 'decision R4: a change is refused until every active member has adopted the one before')],
  },
  {
    name: 'joins-with-other-constants',
    guards: 'decision R4',
    breaks: 'A node that was given other constants becomes a member.',
    file: 'src/core/cluster/members.ts',
    original: "if (!sameTiming(command.timing, state.constants.timing)) return refuse(state, 'timing-differs')",
    mutated: '',
    checks: [test(timing, 'decision R4: a node whose constants differ may not join')],
  },
  {
    name: 'no-drift-margin',
    guards: 'decision R4',
    breaks: 'A lease may be as long as the smallest election time-out, though clocks run apart.',
    file: 'src/core/cluster/timing.ts',
    original: 'waitMs * marginDenominator >= leaseMs * marginNumerator',
    mutated: 'waitMs >= leaseMs',
    checks: [test(timing, 'the default constants keep the drift margin')],
  },
  {
    name: 'entries-stamped-by-wall-clock',
    guards: 'decision R5',
    breaks: 'Machine time is the leader’s wall clock, so every lease ends when a clock that is ahead begins to lead.',
    file: 'src/core/raft/leader.ts',
    original: 'const time = machineTimeAt(role, replica.now)',
    mutated: 'const time = millis(replica.at.wall)',
    checks: [test(decisions, 'decision R5: entry time does not jump with a wall clock that is wrong'), simulator(1, 2, 3)],
  },
  {
    name: 'machine-time-starts-over',
    guards: 'decision R5',
    breaks: 'A new leader counts machine time from zero instead of from where its log ends.',
    file: 'src/core/raft/leader.ts',
    original: 'timeBase: replica.log.lastTime',
    mutated: 'timeBase: millis(0)',
    checks: [test(decisions, 'decision R5: entry time never goes back'), simulator(1, 2, 3)],
  },
  {
    name: 'unfit-wall-clock-leads',
    guards: 'decision R5',
    breaks: 'A node whose wall clock is minutes away from all others keeps leading.',
    file: 'src/runtime/host.ts',
    original: "this.#walls.verdict !== 'unfit'",
    mutated: "this.#walls.verdict !== 'never'",
    checks: [test(wallClock, 'decision R5: a node whose wall clock is minutes away')],
  },
  {
    name: 'wall-clocks-not-compared-with-median',
    guards: 'decision R5',
    breaks: 'A node judges its wall clock by the peer that is farthest away, so one bad clock bars all good ones from leading.',
    file: 'src/runtime/wall-clock-watch.ts',
    original: 'offsets[Math.floor(offsets.length / 2)] as number',
    mutated: 'offsets[offsets.length - 1] as number',
    checks: [test(wallClock, 'decision R5: one bad wall clock')],
  },
]
