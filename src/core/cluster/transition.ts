import type { Answer, ClusterState, RefusalCode } from './types.ts'

/** What a command makes of the state; a refused command leaves it as it was. */
export interface Transition {
  readonly state: ClusterState
  readonly answer: Answer
}

export function refuse(state: ClusterState, code: RefusalCode): Transition {
  return { state, answer: { type: 'refused', code } }
}
