/** Stands for the output of an operation whose outcome is unknown. */
export const unanswered: unique symbol = Symbol('unanswered')
export type Unanswered = typeof unanswered

export type Effect =
  /** Leaves every state that accepts it as it was. */
  | 'read'
  /** Every state accepts it, and it leads to the same states from each. */
  | 'overwrite'
  | 'change'

/**
 * What a service promises, said sequentially: the checker asks whether concurrent clients could tell it from the real one.
 * States are immutable values.
 */
export interface Model<State, Input, Output> {
  readonly initial: State
  /**
   * The states the operation may lead to; none when it cannot answer `output` in this state. Of an `unanswered` operation: the states
   * it may lead to if it takes effect (that it does not is the checker's business).
   */
  step(state: State, input: Input, output: Output | Unanswered): readonly State[]
  /** What kind of operation it is, having answered this. `change` is always right; the others make the search much smaller. */
  effect(input: Input, output: Output | Unanswered): Effect
  /** Equal for equal states only; it also shows a state to people. */
  keyOfState(state: State): string
  /** Equal for equal inputs only. */
  keyOfInput(input: Input): string
  /** The operation as people write it: `write(3)`, `read → 3`. */
  describe(input: Input, output: Output | Unanswered): string
}
