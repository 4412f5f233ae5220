import { millis } from '#base/brand.ts'
import { encodeCommand } from '#core/lock/command-codec.ts'
import type { Identity, LockAnswer, LockCommand } from '#core/lock/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Calls, Outcome } from './calls.ts'
import { never } from './calls.ts'
import { LockstepError } from './errors.ts'
import type { Session } from './session.ts'

interface ExecutingPorts {
  readonly calls: Calls
  readonly clock: Clock
  readonly timeoutMs: number
}

interface Execution {
  readonly command: (identity: Identity) => LockCommand
  /** Nothing of it is under way any more. */
  readonly over: () => void
  /** After `over`, when it will never be carried out. */
  readonly refused: () => void
}

/**
 * Carries a command about a lock out under its session, until it is answered or the session is over, which does as well; the caller is told that it takes too long
 * before that.
 */
export function execute(
  { calls, clock, timeoutMs }: ExecutingPorts,
  session: Session,
  { command, over, refused }: Execution,
): Promise<LockAnswer> {
  return new Promise((resolve, reject) => {
    const ticket = session.begin()
    const encoded = encodeCommand(command(ticket.identity))
    const finish = (): void => {
      session.remove(dependent)
      session.confirm(ticket)
      over()
    }
    const done = (outcome: Outcome): void => {
      if (outcome.type === 'failed') reject(outcome.error)
      if (outcome.type === 'failed' && outcome.error.code === 'timeout') {
        send(never)
        return
      }
      if (outcome.type === 'answered' && isLost(outcome.answer)) {
        // Ends this too.
        session.end(new LockstepError('session_lost', 'the session has ended at the service: whatever was held is lost'))
        return
      }
      finish()
      if (outcome.type === 'answered') resolve(outcome.answer)
      else refused()
    }
    const send = (deadline: typeof never): void => {
      dependent.call = calls.begin({ message: (call) => ({ type: 'command', call, command: encoded }), deadline, keeps: true, done })
    }
    const dependent = {
      call: null as ReturnType<typeof calls.begin>,
      over: (): void => {
        calls.drop(dependent.call)
        finish()
        resolve(sessionLost)
      },
    }
    session.add(dependent)
    send(millis(clock.now() + timeoutMs))
  })
}

const isLost = (answer: LockAnswer): boolean => answer.type === 'refused' && answer.code === 'session_lost'
const sessionLost: LockAnswer = { type: 'refused', code: 'session_lost', detail: '' }
