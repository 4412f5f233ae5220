import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { millis, wallMillis } from '#base/brand.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Entry } from '#core/raft/types.ts'
import type { ProposalOutcome } from '#wire/peer-message.ts'
import type { ProposalBatch } from './proposals.ts'
import { Proposals } from './proposals.ts'

const entry = (index: number, inTerm: number): Entry => ({
  index: logIndex(index),
  term: term(inTerm),
  time: millis(0),
  wall: wallMillis(0),
  payload: { type: 'command', bytes: new Uint8Array(0) },
})

const answered = { type: 'answer', answer: Uint8Array.of(1) } as const

interface Asked extends ProposalBatch {
  readonly told: (readonly ProposalOutcome[])[]
}

function batch(size: number): Asked {
  const told: (readonly ProposalOutcome[])[] = []
  const commands = Array.from({ length: size }, () => new Uint8Array(0))
  return { commands, done: (outcomes) => told.push([...outcomes]), told }
}

test('every command has exactly one outcome, in its place, whatever happens to its entry', () => {
  const fate = fc.constantFrom('applied', 'replaced', 'lost')
  fc.assert(
    fc.property(fc.array(fc.array(fate, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }), (fates) => {
      const proposals = new Proposals()
      const batches = fates.map(({ length }) => batch(length))
      for (const each of batches) proposals.add(each)
      equal(proposals.waiting, batches.length)
      proposals.opened(proposals.takeWaiting(), logIndex(10), term(2))
      fates.flat().forEach((each, position) => {
        if (each !== 'lost') proposals.applied(entry(10 + position, each === 'applied' ? 2 : 3), answered)
      })
      proposals.abandon()
      equal(proposals.open, 0)
      const names = { applied: 'applied', replaced: 'refused', lost: 'unknown' }
      deepEqual(
        batches.map(({ told }) => told.map((outcomes) => outcomes.map(({ type }) => type))),
        fates.map((each) => [each.map((one) => names[one])]),
      )
    }),
  )
})

test('pitfall 37: what is in the log of a deposed leader is unknown, never refused', () => {
  const proposals = new Proposals()
  const asked = batch(2)
  proposals.opened([asked], logIndex(5), term(1))
  proposals.applied(entry(5, 1), answered)
  deepEqual(asked.told, [], 'a batch is answered as a whole')
  proposals.abandon()
  deepEqual(asked.told.flat(), [{ type: 'applied', index: 5, answer: answered.answer }, { type: 'unknown' }])
})

test('pitfall 37: an entry of another term at the index of a proposal is a certain refusal', () => {
  const proposals = new Proposals()
  const asked = batch(1)
  proposals.opened([asked], logIndex(5), term(1))
  proposals.applied(entry(5, 2), answered)
  deepEqual(asked.told, [[{ type: 'refused', code: 'not-leader', leader: null }]])
})

test('a command under a lost origin is refused as such, and one that is applied to nothing has no known outcome', () => {
  const proposals = new Proposals()
  const asked = batch(2)
  proposals.opened([asked], logIndex(5), term(1))
  proposals.applied(entry(5, 1), { type: 'session-lost' })
  proposals.applied(entry(6, 1), { type: 'nothing' })
  deepEqual(
    asked.told.flat().map((outcome) => (outcome.type === 'refused' ? outcome.code : outcome.type)),
    ['session-lost', 'unknown'],
  )
})
