import fc from 'fast-check'

/** One change to bytes: somewhere, something. */
interface Change {
  readonly kind: 'turn' | 'cut' | 'drop' | 'repeat' | 'insert' | 'fill'
  readonly at: number
  readonly length: number
  readonly bytes: Uint8Array
}

const changes: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom('turn', 'turn', 'cut', 'drop', 'repeat', 'insert', 'fill'),
  at: fc.nat(),
  length: fc.integer({ min: 1, max: 32 }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
})

/** Bytes that were good once, with one to three changes. */
export const spoiled = (good: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.array(changes, { minLength: 1, maxLength: 3 }).map((list) => list.reduce(changed, good))

function changed(from: Uint8Array, { kind, at: anywhere, length, bytes }: Change): Uint8Array {
  const at = anywhere % Math.max(1, from.length)
  const [before, after] = [from.subarray(0, at), from.subarray(Math.min(from.length, at + length))]
  switch (kind) {
    case 'turn':
      return from.length === 0 ? from : from.with(at, (from[at] ?? 0) ^ ((bytes[0] ?? 0) | 1))
    case 'cut':
      return before
    case 'drop':
      return Buffer.concat([before, after])
    case 'repeat':
      return Buffer.concat([from.subarray(0, at + length), from.subarray(at)])
    case 'insert':
      return Buffer.concat([before, bytes, from.subarray(at)])
    case 'fill':
      return Buffer.concat([before, new Uint8Array(Math.min(length, from.length - at)).fill(bytes[0] ?? 0), after])
    default:
      return kind satisfies never
  }
}

export const areEqual = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0
