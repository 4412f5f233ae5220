/**
 * The hash that placement rests on. It decides where data lives, so it may never change: its values are pinned by test vectors.
 *
 * MurmurHash3 x86_32 (Austin Appleby, public domain) over the text's UTF-16 code units in little-endian order: one multiplication
 * per two characters, no encoding step, no allocation, the same in a browser. Two lanes with different seeds make one position
 * of 53 bits, the widest integer that a number and a `Float64Array` hold exactly. Not for secrets.
 */

const laneHigh = 0
const laneLow = 0x9747b28c

export function murmur3(text: string, seed: number): number {
  let hash = seed
  const pairs = text.length & ~1
  for (let at = 0; at < pairs; at += 2) {
    hash ^= scramble(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16))
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  if (pairs < text.length) hash ^= scramble(text.charCodeAt(pairs))
  return avalanche(hash ^ (text.length * 2))
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}

function avalanche(hash: number): number {
  let mixed = hash
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** A uniform integer in [0, 2^53). */
export function hash53(text: string): number {
  return murmur3(text, laneHigh) * 0x20_0000 + (murmur3(text, laneLow) >>> 11)
}

/** A uniform integer in [0, buckets). */
export function bucketOf(text: string, buckets: number): number {
  return Math.floor((hash53(text) / 0x20_0000_0000_0000) * buckets)
}
