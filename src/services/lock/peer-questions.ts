import type { Attempt, LockAnswer, SessionId } from '#core/lock/types.ts'
import type { LockQuestion, LockView } from './lock-questions.ts'
import { decodeJson, encodeJson } from './question-codec.ts'

/** What the lock service on one node asks that on another. */
export type PeerQuestion =
  /** To the leader: this session is to live on (decision L1). */
  | { readonly type: 'keep-alive'; readonly session: SessionId }
  /** To a node with a replica. */
  | { readonly type: 'look'; readonly question: LockQuestion }
  /** To a node with a replica: what becomes of a request that waits. Answered when that is decided. */
  | { readonly type: 'settlement'; readonly attempt: Attempt }

export type PeerAnswer =
  | Kept
  /** The session has ended, or never was. */
  | { readonly type: 'lost' }
  /** Cannot be answered here, or now; that node may know. */
  | { readonly type: 'elsewhere'; readonly leader: string | null }
  | { readonly type: 'view'; readonly view: LockView }
  | { readonly type: 'settled'; readonly answer: LockAnswer }

export interface Kept {
  readonly type: 'kept'
  readonly ttlMs: number
  /** An older client waits for a lock of this one (decision L5). */
  readonly wounded: boolean
}

export const encodePeerQuestion = (question: PeerQuestion): Uint8Array => encodeJson(question)
/** Null for what only a newer version asks, and for what is no question at all. */
export function decodePeerQuestion(bytes: Uint8Array): PeerQuestion | null {
  const question = jsonOrNull(bytes) as PeerQuestion | null
  return question !== null && kinds.has(question.type) ? question : null
}

const kinds = new Set<string>(['keep-alive', 'look', 'settlement'] satisfies readonly PeerQuestion['type'][])

export const encodePeerAnswer = (answer: PeerAnswer): Uint8Array => encodeJson(answer)
/** Null for what is no answer. */
export const decodePeerAnswer = (bytes: Uint8Array): PeerAnswer | null => jsonOrNull(bytes) as PeerAnswer | null

function jsonOrNull(bytes: Uint8Array): unknown {
  try {
    return decodeJson(bytes)
  } catch {
    // A node of this cluster sends JSON; whatever does not must not end this node.
    return null
  }
}
