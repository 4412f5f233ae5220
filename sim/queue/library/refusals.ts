import type { LockstepError, LockstepErrorCode } from '#sdk/errors.ts'
import { isExpected } from '#sim/clients/program.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { QueueProgram } from './queue-program.ts'

/** What the library may refuse is counted, and nothing else is let pass. */
export function survive({ name, ports }: Pick<QueueProgram, 'name' | 'ports'>, { code, message }: LockstepError): void {
  if (!isExpected(ports.world, expected, code)) throw new Violation(`${name} was refused with ${code}: ${message}`)
  ports.did(`library-told-${code}`)
}

/** What a call may be refused with while no promise is broken. */
const expected: ReadonlySet<LockstepErrorCode> = new Set<LockstepErrorCode>([
  'timeout',
  'unknown',
  'aborted',
  'closed',
  'queue_full',
  'unknown_queue',
  'unknown_message',
  'stale_receipt',
])
