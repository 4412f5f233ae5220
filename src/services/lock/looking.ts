import type { LockState } from '#core/lock/state.ts'
import { pathLimits } from '#services/common/limits.ts'
import type { LockQuestion, LockViews } from './lock-questions.ts'
import type { LockSlot } from './lock-slot.ts'
import { viewOf } from './lock-views.ts'
import { decodeView, encodeQuestion } from './question-codec.ts'

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
      const done = (view: Uint8Array | null): void => resolve(view === null ? null : decodeView<Question['type']>(question.type, view))
      if (this.#slot.hasReplica) {
        this.lookFor(question, done)
      } else {
        const ask = { type: 'look', question } as const
        this.#slot.askMember(ask, (asked) => done(asked.type === 'view' ? asked.view : null), pathLimits.answerMs)
      }
    })
  }

  /** For another node: the view as it is encoded, from the own replica. */
  lookFor(question: LockQuestion, done: (view: Uint8Array | null) => void): void {
    this.#slot.query(encodeQuestion(question), done)
  }

  /** What the replica here knows, which may be old; as `look` where there is none. */
  glance<Question extends LockQuestion>(question: Question): Promise<LockViews[Question['type']] | null> {
    const state = this.#slot.hasReplica ? this.#state() : null
    return state === null ? this.look(question) : Promise.resolve(viewOf(state, question) as LockViews[Question['type']])
  }
}
