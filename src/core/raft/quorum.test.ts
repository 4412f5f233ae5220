import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { everyone, isJoint, isOnlyVoter, isVoter, majority, quorumValue, voteResult } from './quorum.ts'
import { replicaId } from './types.ts'
import type { Membership, ReplicaId } from './types.ts'

/** Majorities against a version that counts every subset by hand. */

const pool = Array.from({ length: 10 }, (_, position) => replicaId(`r${position}`))

/** Every way two sets of up to five voters can overlap: sizes, and how many of the second are in the first. */
function* overlaps(): Generator<Membership> {
  for (let size = 0; size <= 5; size++) {
    for (let outgoing = 0; outgoing <= 5; outgoing++) {
      for (let shared = 0; shared <= Math.min(size, outgoing); shared++) {
        yield { voters: pool.slice(0, size), outgoing: pool.slice(size - shared, size - shared + outgoing), learners: [] }
      }
    }
  }
}

const naiveHalf = (half: readonly ReplicaId[], agrees: (replica: ReplicaId) => boolean): boolean =>
  half.length === 0 || 2 * half.filter((voter) => agrees(voter)).length > half.length

const naiveAgreed = ({ voters, outgoing }: Membership, agrees: (replica: ReplicaId) => boolean): boolean =>
  naiveHalf(voters, agrees) && naiveHalf(outgoing, agrees)

test('a majority is more than half', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map(majority), [1, 2, 2, 3, 3, 4, 4])
})

test('an election is won, lost or open as counting by hand says, for all configurations of up to 5 + 5 and all votes', () => {
  let cases = 0
  for (const membership of overlaps()) {
    const members = everyone(membership)
    for (let code = 0; code < 3 ** members.length; code++) {
      const votes = new Map<ReplicaId, boolean>()
      let rest = code
      for (const member of members) {
        if (rest % 3 > 0) votes.set(member, rest % 3 === 1)
        rest = Math.floor(rest / 3)
      }
      const won = naiveAgreed(membership, (replica) => votes.get(replica) === true)
      const winnable = naiveAgreed(membership, (replica) => votes.get(replica) !== false)
      const result = voteResult(membership, votes)
      if (result !== (won ? 'won' : winnable ? 'pending' : 'lost')) assert.fail(JSON.stringify([membership, [...votes], result]))
      cases++
    }
  }
  assert.ok(cases > 100_000, `cases: ${cases}`)
})

test('the agreed value is the largest that majorities of both halves have reached', () => {
  const memberships = [...overlaps()].filter(({ voters }) => voters.length > 0)
  const values = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: pool.length, maxLength: pool.length })
  fc.assert(
    fc.property(fc.constantFrom(...memberships), values, (membership, reached) => {
      const valueOf = (replica: ReplicaId): number => reached[pool.indexOf(replica)] ?? 0
      let naive = -1
      for (let candidate = 0; candidate <= 12; candidate++) {
        if (naiveAgreed(membership, (replica) => valueOf(replica) >= candidate)) naive = candidate
      }
      assert.equal(quorumValue(membership, valueOf), naive)
    }),
    { numRuns: 5000, seed: 1 },
  )
})

test('any two majorities of one configuration share a replica, also of a joint one and either of its halves', () => {
  for (const membership of overlaps()) {
    const members = everyone(membership)
    if (membership.voters.length === 0 || members.length > 7) continue
    const quorums: number[] = []
    for (let set = 0; set < 2 ** members.length; set++) {
      const votes = new Map(members.map((member, position) => [member, ((set >> position) & 1) === 1]))
      if (voteResult(membership, votes) === 'won') quorums.push(set)
    }
    for (const left of quorums) for (const right of quorums) assert.notEqual(left & right, 0)
  }
})

test('a half without voters agrees with everything, so it disappears from every decision', () => {
  const nobody: Membership = { voters: [], outgoing: [], learners: [] }
  assert.equal(voteResult(nobody, new Map()), 'won')
  assert.equal(
    quorumValue(nobody, () => 0),
    Number.POSITIVE_INFINITY,
  )
})

test('who is a voter, and who the only one, follows from both halves', () => {
  const [a, b, c] = pool as [ReplicaId, ReplicaId, ReplicaId]
  const joint: Membership = { voters: [a], outgoing: [a, b], learners: [c] }
  assert.deepEqual([isVoter(joint, a), isVoter(joint, b), isVoter(joint, c)], [true, true, false])
  assert.equal(isJoint(joint), true)
  assert.equal(isOnlyVoter(joint, a), false)
  assert.equal(isOnlyVoter({ voters: [a], outgoing: [], learners: [b] }, a), true)
  assert.deepEqual(everyone(joint), [a, b, c])
})
