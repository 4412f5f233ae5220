import assert from 'node:assert/strict'
import test from 'node:test'
import { wireLimits } from './limits.ts'
import { MessageAssembler } from './message-assembler.ts'

test('parts make one message, even when their memory is used again', () => {
  const assembler = new MessageAssembler()
  const body = Buffer.from([1, 2])
  assert(assembler.part(body))
  body.fill(3)
  assert(assembler.part(body))
  body.fill(4)
  assert.deepEqual([...(assembler.end(body) ?? [])], [1, 2, 3, 3, 4, 4])
  assert.deepEqual([...(assembler.end(body) ?? [])], [4, 4])
})

test('a message may be as long as the limit and not a byte longer', () => {
  const body = new Uint8Array(wireLimits.frameBodyBytesMax)
  const parts = wireLimits.messageBytesMax / body.length
  const exact = new MessageAssembler()
  const long = new MessageAssembler()
  for (let part = 1; part < parts; part++) assert(exact.part(body) && long.part(body))
  assert.equal(exact.end(body)?.length, wireLimits.messageBytesMax)
  assert(long.part(body))
  assert.equal(long.part(new Uint8Array(1)), false)
  assert.equal(long.end(new Uint8Array(1)), null)
})
