import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameDecoder } from '#wire/frame-decoder.ts'
import { type Frame, frameTypes, headerBytes } from '#wire/frame.ts'
import { wireLimits } from '#wire/limits.ts'
import { transportLimits } from './limits.ts'
import { Outbox } from './outbox.ts'

const frameBytes = headerBytes + wireLimits.frameBodyBytesMax

/** The frames of the next write as `type/stream/length`. */
function write(outbox: Outbox): readonly string[] {
  const bytes = outbox.next()
  const frames: Frame[] = []
  if (bytes !== null)
    assert.equal(
      new FrameDecoder().push(bytes, (frame) => frames.push(frame)),
      null,
    )
  return frames.map(({ type, stream, body }) => `${type}/${stream}/${body.length}`)
}

const message = frameTypes.message
const part = frameTypes.part

test('control goes before urgent, urgent before bulk, each in order', () => {
  const outbox = new Outbox()
  outbox.offer('bulk', new Uint8Array(1))
  outbox.offer('urgent', new Uint8Array(2))
  outbox.offer('bulk', new Uint8Array(3))
  outbox.offer('urgent', new Uint8Array(4))
  outbox.control(frameTypes.ping, new Uint8Array(0))
  assert.deepEqual(write(outbox), [`${frameTypes.ping}/0/0`, `${message}/1/2`, `${message}/1/4`, `${message}/2/1`, `${message}/2/3`])
  assert.deepEqual(write(outbox), [])
})

test('decision R7: urgent frames go between the frames of a long bulk message', () => {
  const outbox = new Outbox()
  outbox.offer('bulk', new Uint8Array(10 * wireLimits.frameBodyBytesMax))
  const first = write(outbox)
  assert(first.every((frame) => frame === `${part}/2/${wireLimits.frameBodyBytesMax}`))
  assert(outbox.credited(frameBytes))
  outbox.offer('urgent', new Uint8Array(7))
  assert.equal(write(outbox)[0], `${message}/1/7`)
})

test('bulk stops when its credit is used up, urgent does not, and credit lets it go on to the last byte', () => {
  const outbox = new Outbox()
  const total = 20 * wireLimits.frameBodyBytesMax + 5
  outbox.offer('bulk', new Uint8Array(total))
  const seen: string[] = []
  for (let frames = write(outbox); frames.length > 0; frames = write(outbox)) seen.push(...frames)
  assert.equal(seen.length, Math.ceil(transportLimits.creditBytes / frameBytes))
  outbox.offer('urgent', new Uint8Array(1))
  assert.deepEqual(write(outbox), [`${message}/1/1`])
  while (seen.length < 21) {
    assert(outbox.credited(frameBytes))
    seen.push(...write(outbox))
  }
  assert.equal(seen.at(-1), `${message}/2/5`)
  assert.equal(seen.filter((frame) => frame.startsWith(`${part}/`)).length, 20)
})

test('credit for what was never sent is noticed', () => {
  const outbox = new Outbox()
  outbox.offer('bulk', new Uint8Array(100))
  write(outbox)
  assert(outbox.credited(headerBytes + 100))
  assert(!outbox.credited(1))
})

test('a lane takes as much as its limit and not a byte more', () => {
  const outbox = new Outbox()
  const quarter = new Uint8Array(transportLimits.bulkBytesMax / 4)
  for (let count = 0; count < 4; count++) assert(outbox.offer('bulk', quarter))
  assert(!outbox.offer('bulk', new Uint8Array(1)))
  assert(outbox.offer('urgent', new Uint8Array(1)))
})

test('no write is much longer than its limit', () => {
  const outbox = new Outbox()
  for (let count = 0; count < 50; count++) outbox.offer('urgent', new Uint8Array(wireLimits.frameBodyBytesMax))
  for (let bytes = outbox.next(); bytes !== null; bytes = outbox.next()) assert(bytes.length < transportLimits.writeBytesMax + frameBytes)
})
