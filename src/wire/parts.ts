/** Several byte strings as one: the length (4 bytes, big endian) and the bytes of each in turn. */

const lengthBytes = 4

export function partsLength(parts: readonly Uint8Array[]): number {
  let length = lengthBytes * parts.length
  for (const part of parts) length += part.length
  return length
}

export function writeParts(bytes: Uint8Array, from: number, parts: readonly Uint8Array[]): void {
  let at = from
  for (const { length } of parts) {
    bytes[at] = length >>> 24
    bytes[at + 1] = length >>> 16
    bytes[at + 2] = length >>> 8
    bytes[at + 3] = length
    at += lengthBytes + length
  }
  at = from
  for (const part of parts) {
    bytes.set(part, at + lengthBytes)
    at += lengthBytes + part.length
  }
}

/** Views of what is written from `from` to the end; null when that is not whole parts. */
export function readParts(bytes: Uint8Array, from: number): readonly Uint8Array[] | null {
  const parts: Uint8Array[] = []
  let at = from
  while (at < bytes.length) {
    if (bytes.length - at < lengthBytes) return null
    const length = uint32(bytes, at)
    at += lengthBytes
    if (bytes.length - at < length) return null
    parts.push(bytes.subarray(at, at + length))
    at += length
  }
  return parts
}

/** A fresh array, which nothing else will write to. */
export function packParts(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(partsLength(parts))
  writeParts(bytes, 0, parts)
  return bytes
}

const uint32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) * 0x100_0000 + (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
