/** As much of the encoding of Protocol Buffers as two small messages need. */
const wireTypes = { number: 0, bytes: 2 } as const

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

const tag = (field: number, wireType: number): Buffer => Buffer.from([(field << 3) | wireType])

/** `field` is at most 15; `value` is not negative. */
export const numberField = (field: number, value: bigint): Buffer => Buffer.concat([tag(field, wireTypes.number), varint(value)])

export const bytesField = (field: number, value: Buffer): Buffer =>
  Buffer.concat([tag(field, wireTypes.bytes), varint(BigInt(value.length)), value])

/** The first field of that number in a message that has only numbers, bytes and messages; null when there is none. */
export function readBytesField(message: Buffer, field: number): Buffer | null {
  let at = 0
  const next = (): number => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++)
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return Number(value)
    }
  }
  while (at < message.length) {
    const key = next()
    const number = next()
    if ((key & 7) === wireTypes.number) continue
    if ((key & 7) !== wireTypes.bytes) throw new Error(`a field of wire type ${key & 7} was not expected`)
    if (key >> 3 === field) return message.subarray(at, at + number)
    at += number
  }
  return null
}
