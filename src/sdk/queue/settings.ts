import { isQueueName } from '#core/queue/validation.ts'
import { queueLimits } from '#core/queue/limits.ts'
import { invalid } from '#sdk/options.ts'
import type { QueuePut } from '#api/queues/queues.ts'
import type { SettingsChange } from '#wire/queue-client-message.ts'
import { checkInteger } from './options.ts'

/** How a queue is set. */
export interface QueueSettings {
  /** For how long nobody else gets what was delivered. */
  readonly visibilityTimeoutMs: number
  /** A message that has failed so often is dead; 0: never. */
  readonly maxFailures: number
  /** Whether a delivery that was not acked in time counts as a failure. */
  readonly expiryFails: boolean
  /** When a message that failed comes again. */
  readonly retry: RetrySettings
  /** Where the dead are moved to; null: they stay in this queue, aside. */
  readonly deadLetterQueue: string | null
  /** Of each partition, all but the dead; null: as many as there is room for. */
  readonly maxLength: number | null
  /** What a full partition does. */
  readonly overflow: 'reject' | 'drop-head'
  /** Of messages that do not say; null: for ever. */
  readonly ttlMs: number | null
  /** How long a dedupe id is remembered. */
  readonly dedupeWindowMs: number
  /** Messages are taken, and none is delivered. */
  readonly paused: boolean
}

export interface RetrySettings {
  readonly growth: 'fixed' | 'exponential'
  readonly delayMs: number
  readonly maxMs: number
  /** Up to so much is taken off by chance. */
  readonly jitterPercent: number
}

/** What is left out stays as it is; in a new queue it has its default. */
export interface CreateOptions extends Partial<Omit<QueueSettings, 'retry'>> {
  readonly retry?: Partial<RetrySettings>
  /** Fixed for the life of the queue; 1 unless given. */
  readonly partitions?: number
  /** Only if the queue has this revision; 0: only if there is none. */
  readonly ifRevision?: number
}

/** A queue as it was created or changed. */
export interface QueueDefinition {
  /** Whether it was not there before. */
  readonly created: boolean
  readonly partitions: number
  /** Grows with every change. */
  readonly revision: number
  readonly settings: QueueSettings
}

export function changeOf(options: CreateOptions): SettingsChange {
  const { retry = {} } = options
  check(options, retry)
  return {
    visibilityMs: options.visibilityTimeoutMs ?? null,
    maxFailures: options.maxFailures ?? null,
    expiryFails: options.expiryFails ?? null,
    growth: retry.growth ?? null,
    delayMs: retry.delayMs ?? null,
    maxMs: retry.maxMs ?? null,
    jitterPercent: retry.jitterPercent ?? null,
    deadLetterQueue: listed(options.deadLetterQueue),
    maxLength: listed(options.maxLength),
    overflow: options.overflow ?? null,
    ttlMs: listed(options.ttlMs),
    dedupeWindowMs: options.dedupeWindowMs ?? null,
    paused: options.paused ?? null,
  }
}

const listed = <T>(value: T | null | undefined): readonly T[] | null => (value === undefined ? null : value === null ? [] : [value])

/** The service takes nothing that is over its limits, and so it is said here what is. */
function check(options: CreateOptions, retry: Partial<RetrySettings>): void {
  const { durationMsMax, visibilityMsMax, maxFailuresMax, maxLengthMax, partitionsPerQueueMax } = queueLimits
  const bounds = [
    ['visibilityTimeoutMs', options.visibilityTimeoutMs, 1, visibilityMsMax],
    ['maxFailures', options.maxFailures, 0, maxFailuresMax],
    ['maxLength', options.maxLength, 1, maxLengthMax],
    ['ttlMs', options.ttlMs, 1, durationMsMax],
    ['dedupeWindowMs', options.dedupeWindowMs, 0, durationMsMax],
    ['partitions', options.partitions, 1, partitionsPerQueueMax],
    ['ifRevision', options.ifRevision, 0, Number.MAX_SAFE_INTEGER],
    ['retry.delayMs', retry.delayMs, 0, durationMsMax],
    ['retry.maxMs', retry.maxMs, 0, durationMsMax],
    ['retry.jitterPercent', retry.jitterPercent, 0, 100],
  ] as const
  for (const [field, value, min, max] of bounds) if (value !== undefined && value !== null) checkInteger(field, value, min, max)
  const { deadLetterQueue: dead, overflow } = options
  if (dead !== undefined && dead !== null && !isQueueName(dead, queueLimits)) throw invalid('deadLetterQueue', 'the name of a queue')
  if (overflow !== undefined && overflow !== 'reject' && overflow !== 'drop-head') throw invalid('overflow', 'reject or drop-head')
  if (retry.growth !== undefined && retry.growth !== 'fixed' && retry.growth !== 'exponential') {
    throw invalid('retry.growth', 'fixed or exponential')
  }
}

export const definitionOf = ({ status, partitions, revision, settings }: QueuePut): QueueDefinition => ({
  created: status === 'created',
  partitions,
  revision,
  settings: settingsOf(settings),
})

export const settingsOf = (settings: QueuePut['settings']): QueueSettings => ({
  visibilityTimeoutMs: settings.visibility_ms,
  maxFailures: settings.max_failures,
  expiryFails: settings.expiry_fails,
  retry: {
    growth: settings.retry.growth,
    delayMs: settings.retry.delay_ms,
    maxMs: settings.retry.max_ms,
    jitterPercent: settings.retry.jitter_percent,
  },
  deadLetterQueue: settings.dead_letter_queue,
  maxLength: settings.max_length,
  overflow: settings.overflow,
  ttlMs: settings.ttl_ms,
  dedupeWindowMs: settings.dedupe_window_ms,
  paused: settings.paused,
})
