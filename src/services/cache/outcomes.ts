import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { memoryFull, notANumber, numberOutOfRange, tooManyOperations, versionMismatch } from '#api/cache/faults.ts'
import type { ChangeFault, NumberFault } from '#api/cache/cache-api.ts'
import { overloaded, unknownOutcome } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import { describeVersion } from '#core/cache/describe.ts'
import type { Grant, HomeTerm, Outcome, Refusal, Version } from '#core/cache/types.ts'

type Done = Extract<Outcome, { type: 'done' }>

/** What the outcome of a change is to whoever asked for it. */
export function resultOf(key: string, outcome: Outcome): Result<Done, Fault<ChangeFault | NumberFault>> {
  switch (outcome.type) {
    case 'done':
      return ok(outcome)
    case 'mismatch':
      return err(versionMismatch(key, describeVersion(outcome.version)))
    case 'refused':
      return err(faultOfRefusal(key, outcome.code))
    case 'unknown':
      return err(unknownOutcome())
  }
}

function faultOfRefusal(key: string, code: Refusal): Fault<ChangeFault | NumberFault> {
  switch (code) {
    case 'not_a_number':
      return notANumber(key)
    case 'out_of_range':
      return numberOutOfRange(key)
    case 'memory_full':
      return memoryFull()
    case 'too_many_clients':
      return tooManyOperations()
    case 'too_many_requests':
      return overloaded('as many calls wait for this key as may')
    default:
      throw new Error(`the cache service did not expect ${code}`)
  }
}

/** Of a text that fits the schema. */
export function versionOfText(text: string): Version {
  const [term = 0, grant = 0, sequence = 0] = text.split('.').map(Number)
  return { term: term as HomeTerm, grant: grant as Grant, sequence }
}
