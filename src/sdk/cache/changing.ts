import { millis } from '#base/brand.ts'
import type { Change, Key, Handle, Outcome } from '#core/cache/types.ts'
import { isOfThisAttempt } from '#core/cache/types.ts'
import { LockstepError } from '#sdk/errors.ts'
import type { Terms } from './asking.ts'
import { timedOut } from './asking.ts'
import type { CacheAgent } from './cache-agent.ts'
import { cacheSdkLimits as limits } from './limits.ts'

/** Where and by whom. */
export interface Place {
  readonly agent: CacheAgent
  readonly key: Key
  readonly handle: Handle
}

type Settled = Extract<Outcome, { type: 'done' | 'mismatch' }>

/**
 * One change, answered when a majority has it. When its outcome is lost with a lease it is made again under its number, and so carried out once; it ends as
 * `unknown` only when nobody can tell any more.
 */
export async function change({ agent, key, handle }: Place, wanted: Change, terms: Terms): Promise<Settled> {
  agent.permit('cache-write', key)
  const sequence = agent.beginChange()
  const { asking } = agent
  const slot = agent.slotOf(key)
  const again: Terms = { ...terms, doubtful: true, deadline: millis(Math.min(terms.deadline, terms.beganAt + limits.repeatedMs)) }
  let isNamed = true
  try {
    for (let attempts = 1; ; attempts++) {
      const identity = isNamed ? agent.identityOf(sequence, { beganAt: terms.beganAt, again: attempts > 1 }) : null
      const write = { ack: 'replicated', operation: { change: wanted, identity } } as const
      const asked = await asking.ask(attempts === 1 ? terms : again, (answered) => agent.host.write({ slot, key, handle }, write, answered))
      if (asked.type === 'over') throw asked.error ?? (asked.unsent && attempts === 1 ? timedOut() : unknown())
      if (asked.type !== 'changed') throw attempts === 1 ? tooMany() : unknown()
      const { outcome } = asked
      if (isNamed && attempts === 1 && outcome.type === 'refused' && outcome.code === 'too_many_clients') {
        // It was not carried out, and without a number it needs no room among them; but then it is made once.
        isNamed = false
        attempts--
        continue
      }
      // Of an attempt before this one nobody knows whether it was carried out, and this one says nothing of it.
      const isDoubtful = attempts > 1 && outcome.type === 'refused' && isOfThisAttempt(outcome.code)
      if (outcome.type === 'refused' && !isDoubtful) throw errorOf(outcome.code, key)
      if (outcome.type !== 'unknown' && outcome.type !== 'refused') {
        if (outcome.type === 'done') agent.watches.changed(key)
        return outcome
      }
      if (attempts === attemptsMax || !isNamed || asking.isOver(again)) throw unknown()
    }
  } finally {
    agent.endChange(sequence)
  }
}

/** Of a change whose leases keep running out. */
const attemptsMax = 4

/** Of what cannot be otherwise. */
export function done(outcome: Settled): Extract<Settled, { type: 'done' }> {
  if (outcome.type === 'done') return outcome
  throw new LockstepError('internal', 'a change without a condition met one')
}

export const tooMany = (): LockstepError => new LockstepError('overloaded', 'as many calls wait for this key, or for any, as may')

const unknown = (): LockstepError =>
  new LockstepError('unknown', 'it may have been carried out or not: read the value', { retryable: false })

function errorOf(code: Extract<Outcome, { type: 'refused' }>['code'], key: string): LockstepError {
  switch (code) {
    case 'not_a_number':
      return new LockstepError('not_a_number', `the value of ${JSON.stringify(key)} is no integer`)
    case 'out_of_range':
      return new LockstepError('number_out_of_range', `the sum would be beyond ±${Number.MAX_SAFE_INTEGER}`)
    case 'memory_full':
      return new LockstepError('memory_full', 'the memory of the slot is full; nothing was carried out')
    case 'too_many_clients':
      return new LockstepError('too_many_operations', 'as many ids of operations are remembered as may be; nothing was carried out')
    case 'too_many_requests':
      return tooMany()
    default:
      return new LockstepError('internal', `the service answered ${code}`)
  }
}
