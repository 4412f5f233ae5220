/** What the client library throws, which is told by its name: its class is loaded only where it is used. */
interface ClientRefusal {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
}

/** Throws what is no refusal but a mistake in this program. */
export function refusalOf(error: unknown): ClientRefusal {
  if (error instanceof Error && error.name === 'LockstepError' && 'code' in error)
    return { code: String(error.code), message: error.message, retryable: 'retryable' in error && error.retryable === true }
  throw error
}
