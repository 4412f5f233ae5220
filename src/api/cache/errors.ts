import type { ErrorEntry } from '#api/error-entry.ts'
import { none, retryLater } from '#api/error-entry.ts'
import { count, text } from '#api/schemas.ts'
import { version } from './words.ts'

/** Errors of the cache service. */
export const cacheErrors = {
  version_mismatch: {
    status: 412,
    retryable: false,
    summary: 'The value is not as `if_version` or `if_absent` says. Nothing was changed. Read it again.',
    details: { version: { ...version, description: 'That it has, or that its removal had.' } },
  },
  not_a_number: { status: 409, retryable: false, summary: 'The value is no integer, so nothing can be added to it.', details: none },
  number_out_of_range: {
    status: 409,
    retryable: false,
    summary: 'The sum would be no integer that a program can hold exactly. Nothing was changed.',
    details: none,
  },
  value_too_large: {
    status: 413,
    retryable: false,
    summary: 'A value has more bytes than one may have. Nothing was carried out.',
    details: { field: text(64), bytes: count(), bytes_max: count() },
  },
  answer_too_large: {
    status: 413,
    retryable: false,
    summary: 'The values of this batch have more bytes than one answer may have: read this one in another.',
    details: none,
  },
  too_many_operations: {
    status: 429,
    retryable: true,
    summary: 'As many ids of operations are remembered as may be. Nothing was carried out.',
    details: retryLater,
  },
  memory_full: {
    status: 507,
    retryable: true,
    summary: 'The memory of the slot is full. Nothing was carried out.',
    details: retryLater,
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>
