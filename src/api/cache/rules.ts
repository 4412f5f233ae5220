import type { Fault } from '#api/errors.ts'
import { faultOf } from '#api/errors.ts'
import { valueTooLarge } from './faults.ts'
import { cacheApiLimits as limits } from './limits.ts'
import type { BatchRequest, IncrementRequest, WriteRequest } from './lines.ts'

/** What a schema of one field at a time cannot say. Null when nothing is wrong. */

const invalid = (field: string, what: string): Fault => faultOf('invalid_request', `${field}: ${what}`, { field })

export const faultOfWrite = (request: WriteRequest): Fault | null => faultOfChange(request, '')

export const faultOfIncrement = (request: Pick<IncrementRequest, 'operation_id' | 'retry'>): Fault | null => faultOfChange(request, '')

type Change = Partial<Pick<WriteRequest, 'value' | 'if_version' | 'if_absent' | 'operation_id' | 'retry'>>

function faultOfChange({ value, if_version: version, if_absent: absent, operation_id: id, retry }: Change, at: string): Fault | null {
  if (version !== undefined && absent === true)
    return invalid(`${at}if_absent`, 'expected is this or `if_version`, and both were sent: send one of them')
  if (retry === true && id === undefined) return invalid(`${at}retry`, 'what has no `operation_id` cannot be told from another: send one')
  return value !== undefined && value.length > limits.valueBytesMax ? valueTooLarge(`${at}value`, value.length) : null
}

/** Which fields an operation may have, besides `type` and `key`. */
const fieldsOf = {
  read: [],
  write: ['value', 'ttl_ms', 'ack', 'if_version', 'if_absent', 'operation_id', 'retry'],
  delete: ['if_version', 'operation_id', 'retry'],
  increment: ['by', 'operation_id', 'retry'],
} as const satisfies Readonly<Record<string, readonly string[]>>

export function faultOfBatch({ operations }: BatchRequest): Fault | null {
  for (const [place, operation] of operations.entries()) {
    const at = `operations[${place}].`
    const known: readonly string[] = ['type', 'key', ...fieldsOf[operation.type]]
    const stray = Object.keys(operation).find((field) => !known.includes(field))
    if (stray !== undefined) return invalid(`${at}${stray}`, `it is no field of ${operation.type}: leave it out`)
    if (operation.type === 'write' && operation.value === undefined) return invalid(`${at}value`, 'is missing: expected is any JSON')
    const fault = faultOfChange(operation, at)
    if (fault !== null) return fault
  }
  return null
}
