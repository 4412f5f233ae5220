import { LockstepError } from '#sdk/errors.ts'
import type { LockstepErrorCode } from '#sdk/errors.ts'
import type { Claim } from '#sim/cache/claims.ts'
import { isExpected, refusal } from '#sim/clients/program.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { CacheProgram } from './cache-program.ts'

/** What the library may refuse is counted, and nothing else is let pass. */
export function survive({ name, ports }: Pick<CacheProgram, 'name' | 'ports'>, { code, message }: LockstepError): void {
  if (!isExpected(ports.world, expected, code)) throw new Violation(`${name} was refused with ${code}: ${message}`)
  ports.did(`library-told-${code}`)
}

/** What a call came to; null when it was refused, of which the claim is told. */
export async function outcomeOf<T>(program: CacheProgram, what: string, { claim, call }: Call<T>): Promise<T | null> {
  const told = await program.bounded(what, program.timeoutMs, call).catch(refusal)
  program.held.over(claim)
  if (!(told instanceof LockstepError)) return told
  refused(program, claim, told)
  return null
}

export function refused(program: CacheProgram, claim: Claim, error: LockstepError): void {
  if (maybeDone.has(error.code)) program.ports.claims.doubtful(claim)
  else program.ports.claims.notDone(claim)
  survive(program, error)
}

interface Call<T> {
  readonly claim: Claim
  readonly call: Promise<T>
}

/** With any other a change is certainly not carried out, and never will be. */
const maybeDone: ReadonlySet<string> = new Set(['unknown', 'aborted', 'closed'])

/** What a call may be refused with while no promise is broken. */
const expected: ReadonlySet<LockstepErrorCode> = new Set<LockstepErrorCode>([
  'timeout',
  'unknown',
  'aborted',
  'closed',
  'memory_full',
  'number_out_of_range',
])
