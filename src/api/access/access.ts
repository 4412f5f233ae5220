import type { Role } from '#core/access/roles.ts'
import type { Demand } from '#core/access/types.ts'

/**
 * What a call needs where tokens are asked for. It is part of the call's declaration, so that no call is without. A role of null is any: whoever
 * has a token may look.
 */
export type Access<Request = object> =
  /** Anybody may, also without a token. */
  | { readonly type: 'open' }
  /** It names nothing, or by an id that nobody can guess: to know that is to have the right to use it. */
  | { readonly type: 'nameless'; readonly role: Role | null }
  /** It is about the names of everybody, so a token with prefixes will not do. */
  | { readonly type: 'everything'; readonly role: Role | null }
  /** A list, whose query has a `prefix`: it shows what the token may see. */
  | { readonly type: 'listing'; readonly role: Role | null }
  | { readonly type: 'named'; readonly role: Role | null; names(request: Request): readonly string[] }
  /** Its parts need different things. */
  | { readonly type: 'mixed'; demands(request: Request): readonly Demand[] }

export const openAccess = { type: 'open' } as const
/** For whoever has a token. */
export const anyToken = { type: 'nameless', role: null } as const
export const anyUnlimitedToken = { type: 'everything', role: null } as const
export const listing = { type: 'listing', role: null } as const
export const operator = { type: 'everything', role: 'admin' } as const

/** What must be there before the request is read; null for any token. */
export const roleOf = (access: Access): Role | null => ('role' in access ? access.role : null)
