/** Why Redis cannot be used now, for people. */
export class RedisFault extends Error {
  override readonly name = 'RedisFault'
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
