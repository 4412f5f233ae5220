import { answer, attempt, name, session } from '#core/lock/command-codec.ts'
import { boolean, nullable, uint, union } from '#base/codec/schema.ts'
import type { Schema } from '#base/codec/schema.ts'
import type { Attempt, LockAnswer, SessionId } from '#core/lock/types.ts'
import type { LockQuestion } from './lock-questions.ts'
import { decoded, encoded, question } from './question-codec.ts'

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
  /** As `encodeView` wrote it: whoever asked knows of which type it is. */
  | { readonly type: 'view'; readonly view: Uint8Array }
  | { readonly type: 'settled'; readonly answer: LockAnswer }

export interface Kept {
  readonly type: 'kept'
  readonly ttlMs: number
  /** An older client waits for a lock of this one (decision L5). */
  readonly wounded: boolean
}

const peerQuestion = union<PeerQuestion>({ 'keep-alive': [1, { session }], look: [2, { question }], settlement: [3, { attempt }] })

/** All that is left. */
const rest: Schema<Uint8Array> = {
  write(writer, bytes) {
    for (const byte of bytes) writer.byte(byte)
  },
  read: (reader) => Uint8Array.from({ length: reader.left }, () => reader.byte()),
}

const peerAnswer = union<PeerAnswer>({
  kept: [1, { ttlMs: uint(), wounded: boolean }],
  lost: [2, {}],
  elsewhere: [3, { leader: nullable(name()) }],
  view: [4, { view: rest }],
  settled: [5, { answer }],
})

export const encodePeerQuestion = (value: PeerQuestion): Uint8Array => encoded(peerQuestion, value)
/** Null for what only a newer version asks, and for what is no question at all. */
export const decodePeerQuestion = (bytes: Uint8Array): PeerQuestion | null => decoded(peerQuestion, bytes)

export const encodePeerAnswer = (value: PeerAnswer): Uint8Array => encoded(peerAnswer, value)
/** Null for what is no answer. */
export const decodePeerAnswer = (bytes: Uint8Array): PeerAnswer | null => decoded(peerAnswer, bytes)
