import { assert } from '#base/assert.ts'
import type { MessageId } from './types.ts'

/**
 * Message ids as people see them: UUIDs of version 8 (RFC 9562). Their 122 free bits are, in order, the slot (16), the log index (48), the
 * place in the entry (12) and the check (46), so any node sends an ack straight to the slot that holds the message (decision Q5). Those of one slot
 * sort as they were enqueued.
 */

/** A part of an id is below its bound. */
export const slots = 2 ** 16
export const indexes = 2 ** 48
export const offsets = 2 ** 12
export const checks = 2 ** 46
const word = 2 ** 32

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

const isMessageId = ({ slot, index, offset, check }: MessageId): boolean =>
  isBelow(slot, slots) && isBelow(index, indexes) && isBelow(offset, offsets) && isBelow(check, checks)

const isBelow = (value: number, end: number): boolean => Number.isInteger(value) && value >= 0 && value < end

export function formatMessageId(id: MessageId): string {
  assert(isMessageId(id), 'a message id fits its bits')
  const { slot, index, offset, check } = id
  const high = hex(Math.floor(index / 0x1_0000), 8)
  const middle = Math.floor(index / 0x10) & 0xfff
  const variant = 0x8000 | ((index & 0xf) << 10) | (offset >> 2)
  const checkHigh = ((offset & 3) << 14) | Math.floor(check / word)
  return `${hex(slot, 4)}${high.slice(0, 4)}-${high.slice(4)}-8${hex(middle, 3)}-${hex(variant, 4)}-${hex(checkHigh, 4)}${hex(check % word, 8)}`
}

const uuid = /^([\da-f]{4})([\da-f]{4})-([\da-f]{4})-8([\da-f]{3})-([89ab][\da-f]{3})-([\da-f]{4})([\da-f]{8})$/i

/** Null for anything that is not the form of a message id. Whether there is such a message, only its slot knows. */
export function parseMessageId(text: string): MessageId | null {
  const parts = uuid.exec(text)
  if (parts === null) return null
  const [slot = 0, top = 0, high = 0, middle = 0, variant = 0, checkHigh = 0, checkLow = 0] = parts
    .slice(1)
    .map((part) => parseInt(part, 16))
  return {
    slot,
    index: (top * 0x1_0000 + high) * 0x1_0000 + middle * 0x10 + ((variant >> 10) & 0xf),
    offset: ((variant & 0x3ff) << 2) | (checkHigh >> 14),
    check: (checkHigh & 0x3fff) * word + checkLow,
  }
}
