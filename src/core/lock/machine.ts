import { unreachable } from '#base/assert.ts'
import { acquire } from './acquire.ts'
import { decodeCommand } from './command-codec.ts'
import { expireDue } from './expiry.ts'
import { grantWaiting } from './grants.ts'
import { cancel, downgrade, extend, forceRelease, release } from './holdings.ts'
import type { LockLimits } from './limits.ts'
import { lockLimits } from './limits.ts'
import { queuedAnswer, refuse } from './reports.ts'
import { closeSession, expireSessions, openNodeSession, openSession } from './sessions.ts'
import { readSnapshot } from './snapshot-reader.ts'
import { writeSnapshot } from './snapshot-writer.ts'
import { LockState } from './state.ts'
import type { Step } from './state.ts'
import type { Acquire, Applied, Downgrade, Extend, LockAnswer, LockCommand, LockContext, Release } from './types.ts'
import { faultOf } from './validation.ts'

/**
 * The lock manager's state machine. Every replica applies the same commands in the same order and comes to the same state, answers and
 * events; what a command does depends on nothing but the state and its context.
 */
export class LockMachine {
  #state: LockState

  constructor(limits: LockLimits = lockLimits) {
    this.#state = new LockState(limits)
  }

  /** To be read only. */
  get state(): LockState {
    return this.#state
  }

  /** Takes any bytes: what is no command is refused and changes nothing. */
  apply(bytes: Uint8Array, context: LockContext): Applied {
    const command = decodeCommand(bytes)
    return command.ok ? this.execute(command.value, context) : { answer: refuse('malformed', command.error), events: [] }
  }

  execute(command: LockCommand, context: LockContext): Applied {
    const state = this.#state
    state.time = context.time
    state.wall = context.wall
    const fault = faultOf(command, state.limits)
    if (fault !== null) return { answer: refuse('invalid', fault), events: [] }
    const step: Step = { state, context, events: [], touched: new Set() }
    const answer = carryOut(step, command)
    grantWaiting(step)
    return { answer, events: step.events }
  }

  snapshot(): Iterable<Uint8Array> {
    return writeSnapshot(this.#state)
  }

  /** What is wrong with the bytes, or null: then they are the state. */
  restore(bytes: Uint8Array): string | null {
    const restored = readSnapshot(bytes, this.#state.limits)
    if (!restored.ok) return restored.error
    this.#state = restored.value
    return null
  }
}

function carryOut(step: Step, command: LockCommand): LockAnswer {
  switch (command.type) {
    case 'acquire':
      return once(step, command, () => acquire(step, command))
    case 'release':
      return once(step, command, () => release(step, command))
    case 'downgrade':
      return once(step, command, () => downgrade(step, command))
    case 'extend':
      return once(step, command, () => extend(step, command))
    case 'cancel':
      return cancel(step, command)
    case 'open-session':
      return openSession(step, command)
    case 'open-node-session':
      return openNodeSession(step, command)
    case 'close-session':
      return closeSession(step, command.session)
    case 'expire-sessions':
      return expireSessions(step, command)
    case 'expire-due':
      return expireDue(step)
    case 'force-release':
      return forceRelease(step, command)
    case 'configure':
      step.state.mode = command.mode
      return { type: 'configured', mode: command.mode }
    case 'skip-tokens':
      return { type: 'skipped', last: step.state.skipTokens(command.count) }
    default:
      return unreachable(command)
  }
}

/** Decision L2: carried out once, whichever connection or node brings it; of a session that has ended, never. */
function once(step: Step, { identity, owner }: Acquire | Release | Downgrade | Extend, run: () => LockAnswer): LockAnswer {
  if (identity === null) return run()
  const session = step.state.sessions.get(identity.session)
  if (session === undefined) return refuse('session_lost')
  if (session.type === 'client' && session.id !== owner.session) return refuse('wrong_client')
  const { sequence } = identity
  const { outcomes } = session
  outcomes.confirm(identity.confirmed)
  const outcome = outcomes.find(sequence)
  switch (outcome.type) {
    case 'pending':
      return queuedAnswer(step, outcome.wait)
    case 'answered':
      return outcome.answer
    case 'forgotten':
      return refuse('already_answered')
    case 'new': {
      const answer = run()
      // A request that waits is answered when that ends, and one that waited for nothing longer than this entry was answered by its grant.
      if (outcomes.find(sequence).type === 'new') outcomes.record(sequence, answer, step.state.limits.answersPerSessionMax)
      return answer
    }
  }
}
