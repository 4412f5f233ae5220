import type { Prng } from '#base/prng.ts'
import type { Timing } from '#core/cluster/types.ts'
import { overloadLimits } from '#core/overload/limits.ts'
import type { CompactionPolicy } from '#runtime/limits.ts'
import type { AdmissionLimits } from '#services/common/admission.ts'
import type { NetworkOptions } from '#sim/world/network.ts'

export const faultKinds = [
  'crash',
  'crash-all',
  'pause',
  'isolate',
  'split',
  'one-way',
  'flap',
  'clog',
  'slow-disk',
  'hung-disk',
  'failed-disk',
  'rotten-disk',
  'wiped-disk',
  'wall-jump',
  'clock-rate',
  'join',
  'leave',
  'move',
  'transfer',
  'upgrade',
  'constants',
  'restart-in-lease',
  'contested-vote',
  'cut-group',
  'lost-drops',
] as const

/** For services that have something to lose by it. */
type ServiceFaultKind = 'stop'

export type FaultKind = (typeof faultKinds)[number] | ServiceFaultKind

/** Everything that a seed decides before the run begins (swarm testing: each run has some of the faults, not a little of all). */
export interface SimOptions {
  readonly minutes: number
  readonly founders: number
  readonly spares: number
  readonly slots: number
  readonly timing: Timing
  readonly network: NetworkOptions
  readonly compaction: CompactionPolicy
  readonly faults: readonly FaultKind[]
  readonly faultEveryMs: number
  readonly clients: number
  readonly thinkMs: number
  readonly keys: number
  readonly syncMs: { readonly min: number; readonly mean: number }
  readonly startVersion: number
  /** Nodes take little for too much, and refuse new work that is carried out in time. */
  readonly sheds: boolean
  /** Nodes keep their slots in memory, and on disk only the meta group (decision C12). */
  readonly fleeting: boolean
  /** How long a member may be silent before it is taken for dead: for less than most faults last, or for longer than any. */
  readonly deadAfterMs: number
  /** Checks that look now and then look after every event, where a service has such. */
  readonly looksClosely: boolean
  readonly turnover: Turnover
}

/** Whether founders leave as others do, and how they come back: told of nodes to join, or with the list of voters that they began with. */
export type Turnover = 'none' | 'told-whom-to-join' | 'with-the-same-list'

const defaultTiming: Timing = { heartbeatMs: 100, electionMinMs: 500, electionMaxMs: 1_000, leaseMs: 450 }
const quickTiming: Timing = { heartbeatMs: 50, electionMinMs: 150, electionMaxMs: 300, leaseMs: 130 }

/** What a service asks of the cluster that it runs on. */
export interface ClusterTerms {
  readonly slotsMax: number
  /** Of the service, besides its slots. */
  readonly groupsBesides: number
  /** Besides those that every service bears. */
  readonly faults: readonly ServiceFaultKind[]
  /** Slots may be kept in memory (decision C12). */
  readonly mayForget: boolean
  /** When all must be at rest after everything has healed, in milliseconds. */
  readonly restMs: number
}

/** For elections, sessions that end, and replicas that catch up. */
export const usualRestMs = 120_000

export function drawOptions(
  prng: Prng,
  minutes: number,
  { slotsMax, groupsBesides, faults: added, mayForget }: ClusterTerms = registerTerms,
): SimOptions {
  const options = drawCommon(prng, minutes)
  const faults = [...options.faults, ...added.filter(() => prng.chance(0.6))]
  const slots = Math.min(options.slots, slotsMax) + groupsBesides
  const sheds = prng.chance(0.3)
  const fleeting = mayForget && prng.chance(0.3)
  const looksClosely = prng.chance(1 / 16)
  return { ...options, faults, slots, sheds, fleeting, looksClosely, turnover: 'none', deadAfterMs: prng.chance(0.12) ? 3_000 : 20_000 }
}

/** The same run but for the nodes: three that become five, and three again, now and then. */
export const withTurnover = (drawn: SimOptions, prng: Prng): SimOptions => ({
  ...drawn,
  turnover: prng.pick(['told-whom-to-join', 'with-the-same-list']),
  founders: 3,
  spares: 2,
  faults: [...drawn.faults.filter((kind) => kind !== 'join' && kind !== 'leave'), 'join', 'join', 'join', 'leave', 'leave', 'leave'],
})

/** Where nothing is shed in a run, that is as if no load were too much. */
export function admissionLimits({ sheds }: SimOptions): AdmissionLimits {
  const { turns, commands } = overloadLimits
  const never = { openFree: Infinity, openFreeMin: Infinity }
  if (!sheds) return { ...overloadLimits, turns: { ...turns, ...never }, commands: { ...commands, ...never } }
  // Every command that waits for the network or a disk is one too many, until half of all new work is refused.
  return { ...overloadLimits, commands: { ...commands, openFree: 0, openFreeMin: 0, targetMs: 0, ofWait: 0.02, shareMax: 0.5 } }
}

export const registerTerms: ClusterTerms = { slotsMax: 2, groupsBesides: 0, faults: [], mayForget: false, restMs: usualRestMs }

function drawCommon(prng: Prng, minutes: number): Omit<SimOptions, 'sheds' | 'fleeting' | 'looksClosely' | 'turnover' | 'deadAfterMs'> {
  const clean = prng.chance(0.3)
  const faults = faultKinds.filter(() => prng.chance(0.6))
  return {
    minutes,
    founders: prng.pick([3, 3, 3, 4, 5]),
    spares: prng.between(0, 2),
    slots: prng.between(1, 2),
    timing: prng.chance(0.9) ? defaultTiming : quickTiming,
    network: {
      delayMinMs: 0.05,
      delayMeanMs: prng.pick([0.1, 0.5, 2, 10]),
      loss: clean ? 0 : prng.pick([0, 0.001, 0.01, 0.05]),
      duplication: clean ? 0 : prng.pick([0, 0.001, 0.02]),
      reordering: clean ? 0 : prng.pick([0, 0.01, 0.1]),
      codec: prng.pick([0, 0, 0.02, 0.2]),
    },
    compaction: { bytes: prng.pick([2_000, 20_000, 1_000_000]), entries: prng.pick([20, 200, 2_000]), keepEntries: prng.pick([0, 5, 100]) },
    faults: faults.includes('crash') || faults.includes('transfer') ? faults : [...faults, 'crash'],
    faultEveryMs: prng.pick([2_000, 5_000, 10_000]),
    clients: prng.between(3, 8),
    thinkMs: prng.pick([200, 400, 700]),
    keys: prng.between(4, 8),
    syncMs: { min: 0.05, mean: prng.pick([0.3, 1, 5]) },
    startVersion: faults.includes('upgrade') ? 1 : prng.between(1, 2),
  }
}
