import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { unknownOutcome } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import {
  deadLetterCycle,
  noRedrive,
  partitionsFixed,
  queueDeleting,
  redriveActive,
  staleRevision,
  unknownQueue,
} from '#api/queues/faults.ts'
import type { QueueApi } from '#api/queues/queue-api.ts'
import type { PutQueueRequest, QueueSettings as SettingsView } from '#api/queues/queues.ts'
import type { Listing } from '#core/queue/catalogue-types.ts'
import { defaultSettings } from '#core/queue/limits.ts'
import type { Generation, PartitionRef, QueueAnswer, QueueCommand, QueueSettings } from '#core/queue/types.ts'
import { queueName } from '#core/queue/types.ts'
import type { CatalogueKeeper } from './catalogue-keeper.ts'
import { slotsOf } from './catalogue-keeper.ts'
import { queueServiceLimits as limits } from './limits.ts'
import type { QueueCalls } from './queue-calls.ts'
import { limitMet, unexpected, unsettled } from './queue-faults.ts'

/** What befalls whole queues. */
export class Managing {
  readonly #calls: QueueCalls
  readonly #keeper: CatalogueKeeper

  constructor(calls: QueueCalls, keeper: CatalogueKeeper) {
    this.#calls = calls
    this.#keeper = keeper
  }

  /** Settings are changed from what they are: when somebody else was quicker they are read again. */
  async put(request: Parameters<QueueApi['putQueue']>[0]): ReturnType<QueueApi['putQueue']> {
    for (let attempt = 0; attempt < limits.putAttempts; attempt++) {
      const answered = await this.#putOnce(request)
      if (answered !== null) return answered
    }
    return err(unsettled())
  }

  /** Null when the queue has changed since it was read. */
  async #putOnce({
    queue,
    if_revision: expected,
    partitions,
    ...change
  }: Parameters<QueueApi['putQueue']>[0]): Promise<Awaited<ReturnType<QueueApi['putQueue']>> | null> {
    const name = queueName(queue)
    const { directory } = this.#calls
    directory.forget(name)
    const found = await directory.find(name)
    if (!found.ok) return found
    const known = found.value?.definition
    const expectedRevision = known?.revision ?? 0
    if (expected !== undefined && expected !== expectedRevision) return err(staleRevision(queue, { expected, revision: expectedRevision }))
    const settings = changed(known?.settings ?? defaultSettings, change)
    const answered = await directory.submit({ type: 'put', name, partitions: partitions ?? null, settings, expectedRevision })
    if (!answered.ok) return answered
    const answer = answered.value
    if (answer.type === 'refused') {
      switch (answer.code) {
        case 'stale_revision':
          return null
        case 'being_deleted':
          return err(queueDeleting(queue))
        case 'partitions_fixed':
          return err(partitionsFixed(queue, known?.partitions ?? 0))
        case 'dead_letter_cycle':
          return err(deadLetterCycle(queue, settings.deadLetterQueue ?? ''))
        case 'too_many_queues':
          return err(limitMet(answer.code))
        default:
          return unexpected(answer.code)
      }
    }
    if (answer.type !== 'queue') return unexpected(answer.type)
    const { definition, created } = answer
    const told = created ? ok(null) : await this.#keeper.bring(answer)
    // It is set, and slots that did not hear of it yet will.
    if (!told.ok) return err(unknownOutcome())
    const { partitions: count, revision } = definition
    return ok({ status: created ? 'created' : 'changed', queue, partitions: count, revision, settings: settingsView(definition.settings) })
  }

  /** Of the queue that has the name when the catalogue carries it out; its slots are those of that very queue. */
  async delete({ queue }: Parameters<QueueApi['deleteQueue']>[0]): ReturnType<QueueApi['deleteQueue']> {
    for (let attempt = 0; attempt < limits.configureAttempts; attempt++) {
      const answered = await this.#deleteOnce(queue)
      if (answered !== null) return answered
    }
    return err(unsettled())
  }

  /** Null when the name is that of another queue since it was looked up. */
  async #deleteOnce(queue: string): Promise<Awaited<ReturnType<QueueApi['deleteQueue']>> | null> {
    const name = queueName(queue)
    const { directory } = this.#calls
    directory.forget(name)
    const found = await directory.find(name)
    if (!found.ok) return found
    const slots = found.value === null ? [] : slotsOf(found.value, this.#calls.slots)
    const answered = await directory.submit({ type: 'delete', name, generation: found.value?.definition.generation ?? null, slots })
    if (!answered.ok) return answered
    const answer = answered.value
    if (answer.type === 'refused') {
      if (answer.code === 'stale_generation') return null
      return answer.code === 'unknown_queue' ? err(unknownQueue(queue)) : unexpected(answer.code)
    }
    if (answer.type !== 'deleting') return unexpected(answer.type)
    const finished = await this.#keeper.finish(answer)
    return finished ? ok({ status: 'deleted', queue }) : err(queueDeleting(queue) as Fault<never>)
  }

  async purge({ queue, dead = false }: Parameters<QueueApi['purge']>[0]): ReturnType<QueueApi['purge']> {
    const answers = await this.#everywhere(queue, (ref) => ({ type: 'purge', queue: ref, dead }))
    if (!answers.ok) return err(answers.error as Fault<never>)
    let count = 0
    for (const answer of answers.value) count += answer.type === 'purged' ? answer.count : unexpected(answer.type)
    return ok({ status: 'purged', queue, count })
  }

  /** The rate is shared by the partitions; what one leaves of `max` is for the next. A partition that is at it already goes on as it is. */
  async redrive({ queue, from = 'dead', rate, max }: Parameters<QueueApi['redrive']>[0]): ReturnType<QueueApi['redrive']> {
    const answers = await this.#everywhere(queue, (ref, { partitions, before }) => {
      const left = max === undefined ? null : max - sumOf(begunOf(before), 'max')
      return left === 0 ? null : { type: 'redrive', queue: ref, from, rate: rateOf(rate, ref.partition, partitions), max: left }
    })
    if (!answers.ok) return err(answers.error as Fault<never>)
    const begun = begunOf(answers.value)
    const isBusy = begun.length < answers.value.length
    if (isBusy && sumOf(begun, 'max') === 0) return err(redriveActive(queue))
    const isActive = isBusy || begun.some(({ active }) => active)
    return ok({ status: isActive ? 'started' : 'done', queue, moved: sumOf(begun, 'moved') })
  }

  async cancelRedrive({ queue }: Parameters<QueueApi['cancelRedrive']>[0]): ReturnType<QueueApi['cancelRedrive']> {
    const answers = await this.#everywhere(queue, (ref) => ({ type: 'cancel-redrive', queue: ref }))
    if (!answers.ok) return err(answers.error as Fault<never>)
    const running = answers.value.filter((answer) => answer.type === 'redrive')
    if (running.length === 0) return err(noRedrive(queue))
    return ok({ status: 'cancelled', queue, moved: sumOf(running, 'moved') })
  }

  /** To each partition in turn, until `command` has none for the next. A slot that knows of a later deletion has the queue found anew. */
  async #everywhere(queue: string, command: CommandFor): Promise<Result<readonly QueueAnswer[], Fault>> {
    const answers: QueueAnswer[] = []
    let asked: Generation | null = null
    for (let attempt = 0; attempt < limits.configureAttempts; attempt++) {
      const found = await this.#calls.find(queueName(queue), false)
      if (!found.ok) return err(found.error as Fault)
      const { generation } = found.value.definition
      // What another queue of that name has answered is over with it.
      if (generation !== asked) answers.length = 0
      asked = generation
      const done = await this.#inTurn(found.value, command, answers)
      if (!done.ok) return done
      if (done.value) return ok(answers)
    }
    return err(unsettled())
  }

  /** To those that have not answered; false when the queue is to be found anew. */
  async #inTurn(listing: Listing, command: CommandFor, answers: QueueAnswer[]): Promise<Result<boolean, Fault>> {
    const { partitions } = listing.definition
    while (answers.length < partitions) {
      const next = command({ generation: listing.definition.generation, partition: answers.length }, { partitions, before: answers })
      if (next === null) return ok(true)
      const answered = await this.#calls.submit(listing, answers.length, () => next)
      // Others have carried it out, so nobody is told that nothing was.
      if (!answered.ok) return err(answers.length === 0 ? (answered.error as Fault) : unknownOutcome())
      if (answered.value.type === 'refused' && answered.value.code === 'unknown_queue') return ok(false)
      answers.push(answered.value)
    }
    return ok(true)
  }
}

/** Null when no more partitions are to be asked. */
type CommandFor = (ref: PartitionRef, so: { readonly partitions: number; readonly before: readonly QueueAnswer[] }) => QueueCommand | null

/** The part of one partition, which is one a second at least. */
const rateOf = (rate: number | undefined, partition: number, partitions: number): number | null =>
  rate === undefined ? null : Math.max(1, Math.floor(rate / partitions) + (partition < rate % partitions ? 1 : 0))

type Redriven = Extract<QueueAnswer, { type: 'redrive' }>

/** Without those of partitions that were at it already. */
const begunOf = (answers: readonly QueueAnswer[]): readonly Redriven[] =>
  answers.flatMap((answer) => {
    if (answer.type === 'redrive') return [answer]
    return answer.type === 'refused' && answer.code === 'redrive_active' ? [] : unexpected(answer.type)
  })

const sumOf = (redrives: readonly Redriven[], what: 'moved' | 'max'): number => redrives.reduce((sum, each) => sum + each[what], 0)

function changed(settings: QueueSettings, change: Omit<PutQueueRequest, 'partitions' | 'if_revision'>): QueueSettings {
  const { retry = {} } = change
  const {
    dead_letter_queue: dead = settings.deadLetterQueue,
    max_length: maxLength = settings.maxLength,
    ttl_ms: ttlMs = settings.ttlMs,
  } = change
  return {
    visibilityMs: change.visibility_ms ?? settings.visibilityMs,
    maxFailures: change.max_failures ?? settings.maxFailures,
    expiryFails: change.expiry_fails ?? settings.expiryFails,
    retry: {
      growth: retry.growth ?? settings.retry.growth,
      delayMs: retry.delay_ms ?? settings.retry.delayMs,
      maxMs: retry.max_ms ?? settings.retry.maxMs,
      jitterPercent: retry.jitter_percent ?? settings.retry.jitterPercent,
    },
    deadLetterQueue: dead === null ? null : queueName(dead),
    maxLength,
    overflow: change.overflow ?? settings.overflow,
    ttlMs,
    dedupeWindowMs: change.dedupe_window_ms ?? settings.dedupeWindowMs,
    paused: change.paused ?? settings.paused,
  }
}

export const settingsView = ({ retry, ...settings }: QueueSettings): SettingsView => ({
  visibility_ms: settings.visibilityMs,
  max_failures: settings.maxFailures,
  expiry_fails: settings.expiryFails,
  retry: { growth: retry.growth, delay_ms: retry.delayMs, max_ms: retry.maxMs, jitter_percent: retry.jitterPercent },
  dead_letter_queue: settings.deadLetterQueue,
  max_length: settings.maxLength,
  overflow: settings.overflow,
  ttl_ms: settings.ttlMs,
  dedupe_window_ms: settings.dedupeWindowMs,
  paused: settings.paused,
})
