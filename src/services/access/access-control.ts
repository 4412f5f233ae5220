import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { forbidden, rateLimited, unauthorized } from '#api/access/faults.ts'
import type { Fault } from '#api/errors.ts'
import { addressKey } from '#core/access/address-key.ts'
import { denialOf, narrowedPrefix } from '#core/access/grants.ts'
import type { RateLimiter } from '#core/access/rate-limiter.ts'
import type { Role } from '#core/access/roles.ts'
import type { Caller, Demand } from '#core/access/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Tokens } from '#ports/tokens.ts'

interface AccessPorts {
  /** Null where everybody may do everything. */
  readonly tokens: Tokens | null
  /** Null where everybody may ask for as much as they want. */
  readonly limiter: RateLimiter | null
  readonly clock: Pick<Clock, 'now' | 'wall'>
}

/** Who may do what on this node, and how often. One for all ways in, so that a caller has one limit. */
export class AccessControl {
  readonly #ports: AccessPorts

  constructor(ports: AccessPorts) {
    this.#ports = ports
  }

  /** Looking a token up costs a hash; who has let a caller in may ask whether that still holds instead. */
  identify(secret: string | null, address: string): Result<Caller, Fault<'unauthorized'>> {
    const { tokens } = this.#ports
    if (tokens === null) return ok({ token: null, address })
    if (secret === null) return err(unauthorized('this cluster asks for a token'))
    const token = tokens.find(secret)
    if (token === null) return err(unauthorized('nobody knows this token'))
    const caller = { token, address }
    return this.isCurrent(caller) ? ok(caller) : err(unauthorized(`the token ${token.name} has expired`))
  }

  /** False once the token has expired, or was changed or taken away. */
  isCurrent({ token }: Caller): boolean {
    const { tokens, clock } = this.#ports
    if (tokens === null) return true
    return token !== null && tokens.has(token) && (token.expiresAt === null || clock.wall() < token.expiresAt)
  }

  /** Whether callers may ask for so much only. */
  get isLimited(): boolean {
    return this.#ports.limiter !== null
  }

  /** Counts one call; null when it may go on. Without a token it is one of that address. */
  limit({ token, address }: Caller): Fault<'rate_limited'> | null {
    const { limiter, clock } = this.#ports
    if (limiter === null) return null
    // No address begins so.
    const key = token === null ? addressKey(address) : `token ${token.name}`
    const waitMs = limiter.take(key, clock.now())
    return waitMs === 0 ? null : rateLimited(waitMs)
  }

  /** Null when the caller may do that. */
  deny({ token }: Caller, demands: readonly Demand[]): Fault<'forbidden'> | null {
    if (token === null) return null
    for (const demand of demands) {
      const denial = denialOf(token, demand)
      if (denial !== null) return forbidden(token, denial)
    }
    return null
  }

  /** What a list that was asked for by that prefix shows this caller. */
  narrow({ token }: Caller, role: Role | null, prefix: string): Result<string, Fault<'forbidden'>> {
    if (token === null) return ok(prefix)
    const denial = denialOf(token, { role, names: [] })
    if (denial !== null) return err(forbidden(token, denial))
    const narrowed = narrowedPrefix(token, prefix)
    return narrowed === null ? err(forbidden(token, { type: 'all' })) : ok(narrowed)
  }
}
