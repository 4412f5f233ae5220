import type { Role } from './roles.ts'

/** What somebody may do. */
export interface Grants {
  /** The name of the token, for logs and limits. */
  readonly name: string
  readonly roles: readonly Role[]
  /** Of the resources, queues and keys that it may touch; none for all of them. */
  readonly prefixes: readonly string[]
}

/** A token without its secret. */
export interface Token extends Grants {
  /** Milliseconds since 1970; null for one that has no end. */
  readonly expiresAt: number | null
}

/** A token, and how it is known again. */
export interface HashedToken extends Token {
  /** Of its secret, in hexadecimal. */
  readonly sha256: string
}

/** Who is at the other end of a call. */
export interface Caller {
  /** Null where no tokens are asked for: such a caller may do everything. */
  readonly token: Token | null
  /** Of the network. */
  readonly address: string
}

/** What a call needs. */
export interface Demand {
  /** Null: any token will do. */
  readonly role: Role | null
  /** That it touches; `all`: it shows or changes what is anybody's. */
  readonly names: readonly string[] | 'all'
}

/** Why a call is not allowed. */
export type Denial =
  | { readonly type: 'role'; readonly role: Role }
  | { readonly type: 'name'; readonly name: string }
  /** It is about the names of everybody. */
  | { readonly type: 'all' }
