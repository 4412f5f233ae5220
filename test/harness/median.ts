import { present } from '#base/assert.ts'

/** Of an odd number of values. */
export const median = (values: readonly number[]): number =>
  present(values.toSorted((left, right) => left - right)[(values.length - 1) / 2], 'one value is in the middle')
