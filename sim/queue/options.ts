import type { PutQueueRequest } from '#api/queues/queues.ts'
import type { Prng } from '#base/prng.ts'

/** A queue that an operator creates at the beginning, and now and then sets anew. */
export interface QueuePlan {
  readonly name: string
  readonly partitions: number
  /** What it is set to, one after the other. */
  readonly settings: readonly PutQueueRequest[]
}

/** What a seed decides about the clients of the queues (swarm testing: each run has some of it, not a little of all). */
export interface QueueOptions {
  readonly producers: number
  /** Those that number their batches. */
  readonly sequencers: number
  readonly consumers: number
  /** Programs that use the library. */
  readonly libraryClients: number
  /** How often something goes wrong with one of those. */
  readonly libraryFateEveryMs: number
  readonly queues: readonly QueuePlan[]
  /** Where their dead go. */
  readonly dead: QueuePlan
  readonly produceThinkMs: number
  readonly consumeThinkMs: number
  readonly batchMax: number
  readonly keys: number
  /** Of messages. */
  readonly keyedShare: number
  readonly priorityShare: number
  readonly delayShare: number
  readonly ttlShare: number
  readonly onceShare: number
  /** Misfortunes, for each message that is delivered. */
  readonly failShare: number
  readonly rejectShare: number
  readonly abandonShare: number
  readonly freezeShare: number
  readonly crashShare: number
  /** For each call that waits. */
  readonly hangUpShare: number
  readonly operatorThinkMs: number
  readonly purges: boolean
  readonly deletes: boolean
  readonly pauses: boolean
}

export const deadQueue = 'dead'

/** Long enough for whoever sends again until it knows. */
const dedupeWindowMs = 240_000

export function drawQueueOptions(prng: Prng): QueueOptions {
  const calm = prng.chance(0.2)
  const overload = prng.chance(0.2)
  return {
    producers: prng.between(2, 4),
    sequencers: prng.between(1, 2),
    consumers: overload ? 3 : prng.between(4, 6),
    queues: [1, 2, 3].slice(0, prng.between(2, 3)).map((number) => drawQueue(prng, `q${number}`)),
    // Now and then it takes no more, and they have to wait.
    dead: { name: deadQueue, partitions: 1, settings: [{ max_length: prng.pick([null, 2, 5]), overflow: 'reject' }] },
    produceThinkMs: overload ? 700 : prng.pick([900, 1_500]),
    consumeThinkMs: prng.pick([60, 200]),
    batchMax: prng.pick([1, 2, 4]),
    keys: prng.between(1, 5),
    keyedShare: prng.pick([0, 0.3, 0.8]),
    priorityShare: prng.pick([0, 0.2]),
    delayShare: prng.pick([0, 0.1, 0.3]),
    ttlShare: prng.pick([0, 0.1]),
    onceShare: prng.pick([0.3, 0.8]),
    failShare: prng.pick([0.02, 0.1, 0.3]),
    rejectShare: prng.pick([0, 0.05]),
    abandonShare: calm ? 0 : prng.pick([0.01, 0.05]),
    freezeShare: calm ? 0 : prng.pick([0.005, 0.02]),
    crashShare: calm ? 0 : prng.pick([0.005, 0.02]),
    hangUpShare: calm ? 0 : prng.pick([0.05, 0.2]),
    operatorThinkMs: prng.pick([1_500, 4_000]),
    purges: prng.chance(0.3),
    deletes: prng.chance(0.3),
    pauses: prng.chance(0.5),
    libraryClients: prng.between(1, 3),
    libraryFateEveryMs: prng.pick([4_000, 10_000, 30_000]),
  }
}

function drawQueue(prng: Prng, name: string): QueuePlan {
  return { name, partitions: prng.pick([1, 1, 2, 3]), settings: [1, 2, 3].map(() => drawSettings(prng)) }
}

const drawSettings = (prng: Prng): PutQueueRequest => ({
  visibility_ms: prng.pick([3_000, 8_000]),
  max_failures: prng.pick([0, 1, 3, 20]),
  expiry_fails: prng.chance(0.6),
  retry: {
    growth: prng.pick(['fixed', 'exponential']),
    delay_ms: prng.pick([0, 300, 2_000]),
    max_ms: 5_000,
    jitter_percent: prng.pick([0, 20]),
  },
  dead_letter_queue: prng.pick([null, deadQueue]),
  max_length: prng.pick([null, null, null, 10, 40]),
  overflow: prng.pick(['reject', 'drop-head']),
  ttl_ms: prng.pick([null, null, null, 10_000]),
  dedupe_window_ms: dedupeWindowMs,
})
