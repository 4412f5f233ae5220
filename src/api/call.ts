/** What a service is told about a call besides the request. */
export interface Call {
  /** Unique, in the log and in the answer's header `x-request-id`. */
  readonly requestId: string
  /** The W3C trace context that it belongs to, for the audit; none when it does not say. */
  readonly trace?: string | null
  /** Who asks, for the audit. */
  readonly remoteAddress: string
  /** The name of its token, for the audit; null where none is asked for. */
  readonly caller: string | null
  /**
   * Ends a wait early, and means nothing to a call that does not wait. Its reason is a `CallEnd`. A call that is aborted still answers; what
   * it answers to a client that is gone is thrown away.
   */
  readonly signal: AbortSignal
}

/**
 * - `client-gone`: nobody is left to be told: what is granted from now on must be given back.
 * - `stopping`: this node stops, but the client still listens and will be told.
 */
export type CallEnd = 'client-gone' | 'stopping'

export function callEndOf({ signal }: Pick<Call, 'signal'>): CallEnd | null {
  if (!signal.aborted) return null
  return signal.reason === 'stopping' ? 'stopping' : 'client-gone'
}
