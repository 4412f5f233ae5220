import type { LockState } from '#core/lock/state.ts'
import type { LockQuestion, LockView, LockViews } from './lock-questions.ts'
import type { LockSlot } from './lock-slot.ts'
import { viewOf } from './lock-views.ts'
import { decodeView, encodeQuestion } from './question-codec.ts'
import { serviceLimits } from './limits.ts'

/** Questions about the state of the locks, which leave nothing in the log. */
export class Looking {
  readonly #slot: LockSlot
  readonly #state: () => LockState | null

  constructor(slot: LockSlot, state: () => LockState | null) {
    this.#slot = slot
    this.#state = state
  }

  /** Linearizable; null when that could not be done in time. */
  look<Question extends LockQuestion>(question: Question): Promise<LockViews[Question['type']] | null> {
    return new Promise((resolve) => {
      // Each question has its view.
      const done = (view: LockView | null): void => resolve(view as LockViews[Question['type']] | null)
      if (this.#slot.hasReplica) {
        this.#slot.query(encodeQuestion(question), (view) => done(view === null ? null : decodeView(view)))
      } else {
        const ask = { type: 'look', question } as const
        this.#slot.askMember(ask, (asked) => done(asked.type === 'view' ? asked.view : null), serviceLimits.answerMs)
      }
    })
  }

  /** What the replica here knows, which may be old; as `look` where there is none. */
  glance<Question extends LockQuestion>(question: Question): Promise<LockViews[Question['type']] | null> {
    const state = this.#slot.hasReplica ? this.#state() : null
    return state === null ? this.look(question) : Promise.resolve(viewOf(state, question) as LockViews[Question['type']])
  }
}
