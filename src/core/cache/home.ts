import { assert, present, unreachable } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import type { MemoryAnswer } from './commands.ts'
import { clear, cleared } from './home-clear.ts'
import { endLateFills, withdrawFill } from './home-fills.ts'
import { endLives, keepCapacity, makeRoom, newSweep, sweepCleared, trimDirectory, watchLife } from './home-upkeep.ts'
import {
  closeLapsed,
  confirm,
  newHomeSession,
  openIfComplete,
  pushed,
  receiveArrive,
  receiveLeave,
  receiveOpen,
  receiveRenew,
  sessionClosed,
  sessionOpened,
} from './home-sessions.ts'
import { receiveSnooped, repeatSnoops } from './home-snoops.ts'
import type { HomeEffects, HomeSession, HomeStart } from './home-state.ts'
import { HomeState } from './home-state.ts'
import { complete, enqueue, transaction, turnAway } from './home-transactions.ts'
import { assertLimits } from './limits.ts'
import type { ToHome } from './messages.ts'
import type { AgentId } from './types.ts'

export type HomeInput =
  /** `from` is told when its session is not known. */
  | { readonly type: 'message'; readonly from: AgentId; readonly message: ToHome }
  /** One that comes when there is more to do than gets done: unless it was taken before, it is answered so, and not carried out. */
  | { readonly type: 'refuse'; readonly from: AgentId; readonly message: Extract<ToHome, { type: 'request' }> }
  /** A proposal was committed and applied here. One that never is means that this home is none any more. */
  | { readonly type: 'applied'; readonly number: number; readonly answer: MemoryAnswer }
  /** With the end of the leadership lease. */
  | { readonly type: 'tick'; readonly leadsUntil: Millis }
  /** Empties a namespace; `cleared` says when it is done. A home that is not open yet says nothing, and is asked again. */
  | { readonly type: 'clear'; readonly id: number; readonly namespace: string }

/**
 * The home of all keys of a slot, in one term of its leader. It begins when the leader has applied the first entry of its own term, and serves
 * when everybody who had lines under its predecessor has dropped them (rule 10).
 */
export class Home {
  readonly state: HomeState

  constructor(start: HomeStart) {
    assertLimits(start.limits)
    this.state = new HomeState(start)
    for (const { id, agent, nonce } of start.memory.sessions.values()) newHomeSession(this.state, { id, agent, nonce, standing: 'absent' })
    for (const key of start.memory.records.keys()) watchLife(this.state, key)
    this.state.sweep = newSweep(this.state)
    openIfComplete(this.state)
  }

  step(input: HomeInput, now: Millis): HomeEffects {
    const { state } = this
    assert(now >= state.now, 'time does not go back')
    state.now = now
    switch (input.type) {
      case 'message':
      case 'refuse':
        if (now < state.leadsUntil && input.message.slot === state.slot && input.message.term === state.term) receive(state, input)
        break
      case 'applied':
        applied(state, input.number, input.answer)
        break
      case 'tick':
        state.leadsUntil = input.leadsUntil
        if (now < state.leadsUntil) {
          repeatSnoops(state)
          closeLapsed(state)
          if (state.phase === 'open') upkeep(state)
        }
        break
      case 'clear':
        if (state.phase === 'open' && now < state.leadsUntil) clear(state, input.id, input.namespace)
        break
      default:
        unreachable(input)
    }
    return state.take()
  }
}

function upkeep(state: HomeState): void {
  endLives(state)
  endLateFills(state)
  keepCapacity(state)
  sweepCleared(state)
  makeRoom(state)
  trimDirectory(state)
}

function receive(state: HomeState, { type, from, message }: Extract<HomeInput, { type: 'message' | 'refuse' }>): void {
  if (message.type === 'open') {
    receiveOpen(state, message)
    return
  }
  const known = state.sessions.get(message.session)
  // Numbers of sessions are easy to guess, and nobody speaks for another.
  const session = known?.agent === from ? known : undefined
  const isOver = session === undefined || (session.standing === 'closing' && message.type !== 'snooped')
  if (isOver) {
    const { slot, term } = state
    state.send.push({ to: from, message: { type: 'session-lost', slot, term, session: message.session } })
  } else if (message.type === 'arrive') receiveArrive(state, session, message)
  else if (message.type === 'renew') receiveRenew(state, session, message)
  else if (message.type === 'leave') receiveLeave(state, session)
  else if (message.type === 'snooped') receiveSnooped(state, message)
  else request(state, session, message, type === 'refuse')
}

/** Rule 1: a request is taken once. Its answer is kept until the agent has it. But a fill may become a read while it waits. */
function request(
  state: HomeState,
  session: HomeSession,
  { number, oldest, key, body }: Extract<ToHome, { type: 'request' }>,
  isRefused: boolean,
): void {
  confirm(session, oldest)
  if (session.standing !== 'arrived' || number < session.oldest) return
  const known = session.replies.get(number)
  if (known === null) {
    if (body.type === 'read') withdrawFill(state, key, { session: session.id, number })
    return
  }
  if (known !== undefined) {
    state.send.push({ to: session.agent, message: known })
    return
  }
  if (session.replies.size >= state.limits.openRequestsMax) return
  session.replies.set(number, null)
  const asked = transaction({ key, body, asker: { session: session.id, number } })
  if (isRefused) turnAway(state, asked)
  else enqueue(state, asked)
}

function applied(state: HomeState, number: number, answer: MemoryAnswer): void {
  const purpose = present(state.proposals.get(number), 'a proposal is applied once')
  state.proposals.delete(number)
  switch (purpose.type) {
    case 'transaction':
      complete(state, purpose.transaction, answer)
      break
    case 'open':
      if (answer.type === 'session') sessionOpened(state, answer, purpose)
      break
    case 'close':
      sessionClosed(state, purpose.session)
      break
    case 'clear':
      cleared(state, purpose.namespace)
      break
    case 'push':
      pushed(state, purpose)
      break
    case 'capacity':
      break
    default:
      unreachable(purpose)
  }
}
