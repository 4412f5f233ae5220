import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { Clock } from '#ports/clock.ts'
import { LockstepError } from '#sdk/errors.ts'
import type { QueueClientMessage } from '#wire/queue-client-message.ts'
import type { Answer, QueueCalls } from './calls.ts'

export interface Asking {
  readonly calls: QueueCalls
  readonly clock: Clock
  readonly timeoutMs: number
}

interface Question<Type extends Answer['type']> {
  readonly expects: Type
  readonly message: (call: number) => QueueClientMessage
  readonly slot?: number | null
  readonly repeatable?: boolean
  /** Of what it is a part of; the time for a call may be over before. */
  readonly deadline?: Millis | undefined
}

/** One call that is asked for itself, and its answer; rejects with what it failed with. */
export function ask<Type extends Answer['type']>(
  { calls, clock, timeoutMs }: Asking,
  { expects, message, slot = null, repeatable = true, deadline = never }: Question<Type>,
): Promise<Extract<Answer, { type: Type }>> {
  return new Promise((resolve, reject) => {
    calls.begin({
      message,
      slot,
      repeatable,
      keeps: false,
      deadline: millis(Math.min(clock.now() + timeoutMs, deadline)),
      done: (outcome) => {
        if (outcome.type === 'failed') reject(outcome.error)
        else if (isA(outcome.answer, expects)) resolve(outcome.answer)
        else reject(new LockstepError('internal', `the service answered ${outcome.answer.type}`))
      },
    })
  })
}

const isA = <Type extends Answer['type']>(answer: Answer, type: Type): answer is Extract<Answer, { type: Type }> => answer.type === type

const never = Infinity as Millis
