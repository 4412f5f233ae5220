/**
 * The check of a message id (decision Q5): 46 bits of a hash over the cluster, the term and the whole entry. A log that lost its end, or another
 * cluster's, has other entries under the same indexes, and an id of the former means nothing to the latter.
 *
 * MurmurHash3 x86_32 (Austin Appleby, public domain) in two lanes over the bytes. Its values are in ids that clients keep, so it never
 * changes. Not for secrets.
 */
export function entryCheck(cluster: number, term: number, entry: Uint8Array): number {
  const seed = mixed(cluster, term >>> 0)
  const { length } = entry
  const whole = length & ~3
  let [low, high] = [seed, mixed(seed, Math.floor(term / 0x1_0000_0000) + 0x9747_b28c)]
  for (let at = 0; at < whole; at += 4) {
    const block =
      (entry[at] as number) | ((entry[at + 1] as number) << 8) | ((entry[at + 2] as number) << 16) | ((entry[at + 3] as number) << 24)
    const scrambled = scramble(block)
    low = mixed(low, scrambled)
    high = mixed(high, Math.imul(scrambled, 0x85eb_ca6b) ^ block)
  }
  let rest = 0
  for (let at = length - 1; at >= whole; at--) rest = (rest << 8) | (entry[at] as number)
  low = avalanche(mixed(low, scramble(rest)) ^ length)
  high = avalanche(mixed(high, scramble(rest ^ 0x5bd1_e995)) ^ length)
  return (high >>> 18) * 0x1_0000_0000 + low
}

/** Of a text, for `entryCheck`. */
export function textHash(text: string): number {
  let hash = 0x811c_9dc5
  for (let at = 0; at < text.length; at++) hash = mixed(hash, scramble(text.charCodeAt(at)))
  return avalanche(hash)
}

/** A number in [0, 1) that is the same wherever it is asked for: jitter without chance. */
export function shareOf(index: number, offset: number, round: number): number {
  const place = mixed(scramble(index >>> 0), scramble(Math.floor(index / 0x1_0000_0000)))
  return avalanche(mixed(place, scramble(offset * 0x1_0000 + round))) / 0x1_0000_0000
}

function scramble(block: number): number {
  const product = Math.imul(block, 0xcc9e_2d51)
  return Math.imul((product << 15) | (product >>> 17), 0x1b87_3593)
}

function mixed(hash: number, block: number): number {
  const both = hash ^ block
  return (Math.imul((both << 13) | (both >>> 19), 5) + 0xe654_6b64) | 0
}

function avalanche(hash: number): number {
  let value = hash
  value = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35)
  return (value ^ (value >>> 16)) >>> 0
}
