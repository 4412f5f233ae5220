import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import { runtimeLimits } from '#runtime/limits.ts'
import type { ProposalBatch } from '#runtime/proposals.ts'
import { redisEngineLimits as limits } from './limits.ts'
import { WaitingProposals } from './waiting-proposals.ts'

const start = millis(0)
const expiry = millis(runtimeLimits.proposeTimeoutMs)

function batchOf(bytes: number, told: string[] = []): ProposalBatch {
  return {
    commands: [new Uint8Array(bytes)],
    done: ([outcome]) => told.push(outcome?.type === 'refused' ? outcome.code : (outcome?.type ?? 'nothing')),
  }
}

test('bytes are bounded as commands are, and room comes back with what is taken', () => {
  const waiting = new WaitingProposals()
  const half = limits.waitingBytesMax / 2
  deepEqual(
    [half, half, 1].map((bytes) => waiting.add(batchOf(bytes), start)),
    [true, true, false],
  )
  equal(waiting.take(start).length, 1)
  equal(waiting.add(batchOf(half), start), true)
})

test('one that is larger than all room is taken when it is alone', () => {
  const waiting = new WaitingProposals()
  equal(waiting.add(batchOf(limits.waitingBytesMax + 1), start), true)
  equal(waiting.add(batchOf(1), start), false)
})

test('what its asker waits for no more is refused when more comes, and leaves its room', () => {
  const waiting = new WaitingProposals()
  const told: string[] = []
  waiting.add(batchOf(limits.waitingBytesMax, told), start)
  equal(waiting.add(batchOf(limits.waitingBytesMax), expiry), true)
  deepEqual(told, ['not-leader'])
})

test('what its asker waits for no more is never appended', () => {
  const waiting = new WaitingProposals()
  const [old, fresh]: [string[], ProposalBatch] = [[], batchOf(2)]
  waiting.add(batchOf(1, old), start)
  waiting.add(fresh, millis(1))
  deepEqual(waiting.take(expiry), [fresh])
  deepEqual(old, ['not-leader'])
})
