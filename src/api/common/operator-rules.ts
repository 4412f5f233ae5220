import type { Fault } from '#api/errors.ts'
import { faultOf } from '#api/errors.ts'
import type { RequestOf } from '#api/route.ts'
import type { operatorRoutes } from './operators.ts'

/** What the schemas cannot say. */
export function faultOfTransfer({ slot, from, to }: RequestOf<typeof operatorRoutes.transfer>): Fault | null {
  const refuse = (field: string, why: string): Fault => faultOf('invalid_request', `${field}: ${why}`, { field })
  if ((slot === undefined) === (from === undefined)) return refuse('slot', 'expected is either slot or from, and not both')
  return from !== undefined && from === to ? refuse('to', 'that node leads them already: name another, or none') : null
}
