import type { Token } from '#core/access/types.ts'

/** The tokens that this cluster knows. They may change at any time. */
export interface Tokens {
  /** The token with that secret, also one that has expired; null when there is none. Takes as long for a secret that is nearly right. */
  find(secret: string): Token | null
  /** Whether that very token is still one of them. */
  has(token: Token): boolean
}
