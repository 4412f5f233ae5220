/**
 * A bug, as opposed to an expected outcome or a failure of the environment: the process that meets one stops.
 */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure'
}

/** Stops on a broken invariant. The message is a constant: a template would cost more than the check. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message)
}

/** The `default` of a switch over a closed union: the compiler proves that no value gets here. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable: ${JSON.stringify(value)}`)
}

/** The value of something that the caller knows to be there. */
export function present<T>(value: T | null | undefined, message: string): T {
  if (value === null || value === undefined) throw new AssertionFailure(message)
  return value
}
