import { isDeepStrictEqual } from 'node:util'

/** Whether two texts of JSON say the same: the order of fields and the spaces do not matter, and numbers are compared as they are written. */
export const sameJson = (left: string, right: string): boolean => isDeepStrictEqual(exact(left), exact(right))

/** A number as it is written. */
class Written {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A double would make different numbers one. */
const exact = (text: string): unknown =>
  JSON.parse(text, (_key, value: unknown, { source }: { readonly source?: string } = {}) =>
    typeof value === 'number' ? new Written(source ?? '') : value,
  )
