import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { FrameDecoder, type FrameFailure } from './frame-decoder.ts'
import { type Frame, frameTypes, headerBytes, packFrames } from './frame.ts'
import { wireLimits } from './limits.ts'

const seed = 31_337

const frames: readonly Frame[] = [
  { type: frameTypes.ping, stream: 0, body: new Uint8Array(0) },
  { type: frameTypes.message, stream: 1, body: new Uint8Array([1]) },
  { type: frameTypes.part, stream: 2, body: new Uint8Array(70).fill(2) },
  { type: frameTypes.message, stream: 65_535, body: new Uint8Array(33).fill(3) },
]
const packed = packFrames(frames)

/** Feeds the chunks one after another, each from a buffer that is overwritten afterwards, as a socket's might be. */
function decodeAll(chunks: readonly Uint8Array[]): { readonly frames: readonly Frame[]; readonly failure: FrameFailure | null } {
  const decoder = new FrameDecoder()
  const visited: Frame[] = []
  let failure: FrameFailure | null = null
  for (const chunk of chunks) {
    const reused = Uint8Array.from(chunk)
    failure = decoder.push(reused, ({ type, stream, body }) => visited.push({ type, stream, body: Uint8Array.from(body) }))
    reused.fill(0xee)
  }
  return { frames: visited, failure }
}

test('frames come out the same wherever the stream is cut in two', () => {
  for (let cut = 0; cut <= packed.length; cut++) {
    assert.deepEqual(decodeAll([packed.subarray(0, cut), packed.subarray(cut)]), { frames, failure: null })
  }
})

test('frames come out the same wherever the stream is cut in three', () => {
  for (let first = 0; first <= packed.length; first++) {
    for (let second = first; second <= packed.length; second++) {
      const chunks = [packed.subarray(0, first), packed.subarray(first, second), packed.subarray(second)]
      assert.deepEqual(decodeAll(chunks), { frames, failure: null })
    }
  }
})

test('frames come out the same byte by byte', () => {
  assert.deepEqual(decodeAll(Array.from(packed, (byte) => new Uint8Array([byte]))), { frames, failure: null })
})

test('the largest frame passes, in any chunks', () => {
  const large = { type: frameTypes.message, stream: 2, body: new Uint8Array(wireLimits.frameBodyBytesMax).fill(5) }
  const bytes = packFrames([large, ...frames, large])
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 1, maxLength: 20 }), (sizes) => {
      const chunks: Uint8Array[] = []
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = sizes[turn % sizes.length] as number
        chunks.push(bytes.subarray(at, at + size))
        at += size
      }
      assert.deepEqual(decodeAll(chunks), { frames: [large, ...frames, large], failure: null })
    }),
    { seed, numRuns: 40 },
  )
})

test('a frame that claims to be too long is refused when its length is known, not when it has come', () => {
  const header = Buffer.from(packed.subarray(0, headerBytes))
  header.writeUInt32BE(wireLimits.frameBodyBytesMax + 1)
  assert.deepEqual(decodeAll([header]), { frames: [], failure: 'frame too long' })
  assert.deepEqual(decodeAll(Array.from(header, (byte) => new Uint8Array([byte]))), { frames: [], failure: 'frame too long' })
})

test('an HTTP request is refused', () => {
  assert.deepEqual(decodeAll([Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')]), { frames: [], failure: 'frame too long' })
})

test('any single damaged byte is noticed, and no frame at or after it is visited', () => {
  const starts = [0, 12, 25, 107, packed.length]
  for (let at = 0; at < packed.length; at++) {
    const damaged = Uint8Array.from(packed)
    damaged[at] = (damaged[at] as number) ^ 0x10
    const { frames: visited, failure } = decodeAll([damaged, new Uint8Array(wireLimits.frameBodyBytesMax)])
    const untouched = starts.findIndex((start) => start > at) - 1
    assert.deepEqual(visited, frames.slice(0, untouched))
    assert.notEqual(failure, null)
  }
})

test('after a failure nothing is visited any more', () => {
  const decoder = new FrameDecoder()
  const damaged = Uint8Array.from(packed)
  damaged[8] = 9
  const unexpected = (): void => assert.fail('visited')
  assert.equal(decoder.push(damaged, unexpected), 'unknown frame version')
  assert.equal(decoder.push(packed, unexpected), 'unknown frame version')
})

test('2 000 inputs of garbage, also behind good frames, end in a failure or in waiting for more', () => {
  console.log(`seed ${seed}`)
  let failed = 0
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200, size: 'max' }), fc.boolean(), (garbage, isBehind) => {
      const { frames: visited, failure } = decodeAll([isBehind ? packed : new Uint8Array(0), garbage])
      assert.deepEqual(visited, isBehind ? frames : [])
      if (failure !== null) failed++
    }),
    { seed, numRuns: 2_000 },
  )
  assert(failed > 1_000, `${failed} failed`)
})
