import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import type { MemoryRecord } from './memory-state.ts'
import { TextValue } from './text-value.ts'
import type { Condition, Refusal, Value } from './types.ts'
import { compareVersions } from './types.ts'

/** Only the home knows which token is good, and takes it away from such an operation. */
export function isMet(condition: Condition, record: MemoryRecord | null): boolean {
  switch (condition.type) {
    case 'none':
      return true
    case 'token':
      return false
    case 'absent':
      return record === null
    case 'version':
      return record !== null && compareVersions(record.version, condition.version) === 0
  }
}

const decoder = new TextDecoder()

const integer = /^-?\d{1,16}$/

/** What is stored is JSON; an integer that a program can hold exactly is a number to add to. */
export function newNumber(value: Value | null, by: number): Result<{ readonly value: Value; readonly number: number }, Refusal> {
  const text = value === null ? '0' : decoder.decode(value.bytes)
  if (!integer.test(text)) return err('not_a_number')
  const number = Number(text) + by
  return Number.isSafeInteger(number) ? ok({ value: TextValue.ofText(String(number)), number }) : err('out_of_range')
}
