import { assert } from '#base/assert.ts'
import { partsLength, readParts, writeParts } from './parts.ts'

/**
 * What an entry of the log says: who asked, so that a retry is recognised, and the bytes for the state machine.
 * Layout: kind (1 byte), then for identified ones origin, sequence and confirmed (6 bytes each, big endian), then the bodies as parts; for
 * an anonymous one the body; for a version the number (2 bytes).
 */
export type Command =
  /** Carried out each time it is committed. */
  | { readonly type: 'anonymous'; readonly body: Uint8Array }
  /** One or more, carried out one after the other under one number, and answered with as many parts. */
  | {
      readonly type: 'identified'
      readonly origin: number
      readonly sequence: number
      readonly confirmed: number
      readonly bodies: readonly Uint8Array[]
    }
  /** Answered with the number of the new origin. */
  | { readonly type: 'open-origin' }
  /** From here on the group's machine behaves as this version (decision R9). */
  | { readonly type: 'set-version'; readonly version: number }

const kinds = { anonymous: 0, identified: 1, 'open-origin': 2, 'set-version': 3 } as const
const identifiedHeader = 19

export function encodeCommand(command: Command): Uint8Array {
  switch (command.type) {
    case 'anonymous': {
      const bytes = Buffer.allocUnsafeSlow(1 + command.body.length)
      bytes[0] = kinds.anonymous
      bytes.set(command.body, 1)
      return bytes
    }
    case 'identified': {
      const bytes = Buffer.allocUnsafeSlow(identifiedHeader + partsLength(command.bodies))
      bytes[0] = kinds.identified
      bytes.writeUIntBE(command.origin, 1, 6)
      bytes.writeUIntBE(command.sequence, 7, 6)
      bytes.writeUIntBE(command.confirmed, 13, 6)
      writeParts(bytes, identifiedHeader, command.bodies)
      return bytes
    }
    case 'open-origin':
      return Uint8Array.of(kinds['open-origin'])
    case 'set-version':
      return Uint8Array.of(kinds['set-version'], command.version >> 8, command.version & 0xff)
  }
}

/** Only for bytes that `encodeCommand` made: a node refuses malformed commands before they reach the log. */
export function decodeCommand(bytes: Uint8Array): Command {
  const command = parseCommand(bytes)
  assert(command !== null, 'the log holds only well-formed commands')
  return command
}

/** Null for bytes that are no command. */
export function parseCommand(bytes: Uint8Array): Command | null {
  switch (bytes[0]) {
    case kinds.anonymous:
      return { type: 'anonymous', body: bytes.subarray(1) }
    case kinds.identified: {
      if (bytes.length < identifiedHeader) return null
      const bodies = readParts(bytes, identifiedHeader)
      if (bodies === null || bodies.length === 0) return null
      return { type: 'identified', origin: uint48(bytes, 1), sequence: uint48(bytes, 7), confirmed: uint48(bytes, 13), bodies }
    }
    case kinds['open-origin']:
      return bytes.length === 1 ? { type: 'open-origin' } : null
    case kinds['set-version']:
      return bytes.length === 3 ? { type: 'set-version', version: (bytes[1] as number) * 256 + (bytes[2] as number) } : null
    default:
      return null
  }
}

function uint48(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let position = at; position < at + 6; position++) value = value * 256 + (bytes[position] as number)
  return value
}
