import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { LockMachine } from '#core/lock/machine.ts'
import { clientId, resourceName, sessionId } from '#core/lock/types.ts'
import type { LockQuestion } from './lock-questions.ts'
import { viewOf } from './lock-views.ts'
import type { PeerAnswer, PeerQuestion } from './peer-questions.ts'
import { decodePeerAnswer, decodePeerQuestion, encodePeerAnswer, encodePeerQuestion } from './peer-questions.ts'
import { decodeView, encodeView } from './question-codec.ts'

const session = sessionId('s')

const questions: readonly LockQuestion[] = [
  { type: 'locks', prefix: '', after: 'ä', limit: 100 },
  { type: 'locks', prefix: 'r', after: null, limit: 1 },
  { type: 'lock', resource: 'r1' },
  { type: 'deadlocks' },
  { type: 'check', resource: 'r1', token: 1 },
  { type: 'session', session },
]

const peerQuestions: readonly PeerQuestion[] = [
  { type: 'keep-alive', session },
  { type: 'settlement', attempt: { session, sequence: 7 } },
  ...questions.map((question): PeerQuestion => ({ type: 'look', question })),
]

const peerAnswers: readonly PeerAnswer[] = [
  { type: 'kept', ttlMs: 4_000, wounded: true },
  { type: 'lost' },
  { type: 'elsewhere', leader: null },
  { type: 'elsewhere', leader: 'n2' },
  { type: 'view', view: Uint8Array.of(0, 255, 7) },
  { type: 'settled', answer: { type: 'cancelled' } },
]

/** A deadlock, a lock with a lease, one without, and somebody who waits. */
function busy(): LockMachine {
  const machine = new LockMachine()
  for (const [at, [client, resource, ttlMs]] of (
    [
      ['A', 'r1', 1_000],
      ['B', 'r2', 0],
      ['A', 'r2', 1_000],
      ['B', 'r1', 1_000],
    ] as const
  ).entries()) {
    const items = [{ resource: resourceName(resource), mode: 'exclusive' as const }]
    const owner = { client: clientId(client), session: null }
    const waitMs = ttlMs === 0 ? 0 : null
    const command = { type: 'acquire', identity: null, owner, items, ttlMs, lockDelayMs: 0, waitMs } as const
    machine.execute(command, { index: at + 1, term: 1, time: millis(at), wall: wallMillis(Date.UTC(2026, 0, 1)) })
  }
  return machine
}

test('questions between nodes and their answers survive', () => {
  for (const question of peerQuestions) deepEqual(decodePeerQuestion(encodePeerQuestion(question)), question)
  for (const answer of peerAnswers) deepEqual(decodePeerAnswer(encodePeerAnswer(answer)), answer)
})

test('every view survives', () => {
  const { state } = busy()
  equal(state.deadlocksFound, 1)
  for (const question of questions) {
    const view = viewOf(state, question)
    deepEqual(decodeView(question.type, encodeView(question.type, view)), view)
  }
})

test('what another node sends is checked field by field: it is a question or answer of the known form, or nothing', () => {
  const prng = new Prng(1)
  const encodedOnes = [...peerQuestions.map(encodePeerQuestion), ...peerAnswers.map(encodePeerAnswer)]
  let refused = 0
  for (const bytes of encodedOnes) {
    for (let length = 0; length < bytes.length; length++) decodePeerAnswer(bytes.subarray(0, length))
    for (let round = 0; round < 500; round++) {
      const damaged = bytes.slice()
      damaged[prng.between(0, bytes.length - 1)] = prng.between(0, 255)
      const [question, answer] = [decodePeerQuestion(damaged), decodePeerAnswer(damaged)]
      if (question === null) refused++
      else deepEqual(decodePeerQuestion(encodePeerQuestion(question)), question)
      if (answer !== null) deepEqual(decodePeerAnswer(encodePeerAnswer(answer)), answer)
    }
  }
  ok(refused > 1_000)
  for (const text of ['', '{"type":"settlement"}', '{"type":"look"}', 'null'])
    equal(decodePeerQuestion(new TextEncoder().encode(text)), null)
  equal(decodePeerQuestion(encodePeerQuestion({ type: 'look', question: { type: 'locks', prefix: '', after: null, limit: 1_001 } })), null)
})
