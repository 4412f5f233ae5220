import type { Role } from './roles.ts'
import type { Demand, Denial, Grants } from './types.ts'

/** What a token allows. Its roles say what may be done, its prefixes to what. */

export const hasRole = ({ roles }: Pick<Grants, 'roles'>, role: Role | null): boolean =>
  role === null || roles.includes(role) || roles.includes('admin')

export const covers = ({ prefixes }: Pick<Grants, 'prefixes'>, name: string): boolean =>
  prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix))

/** Null when it is allowed. */
export function denialOf(grants: Grants, { role, names }: Demand): Denial | null {
  if (role !== null && !hasRole(grants, role)) return { type: 'role', role }
  if (grants.prefixes.length === 0) return null
  if (names === 'all') return { type: 'all' }
  const foreign = names.find((name) => !covers(grants, name))
  return foreign === undefined ? null : { type: 'name', name: foreign }
}

/**
 * A list that was asked for by a prefix shows what the token may see: the prefix itself when all below it may be seen, else the one
 * prefix of the token below it. Null when there is no such one: the list would be in several parts, or is none of this token's.
 */
export function narrowedPrefix({ prefixes }: Pick<Grants, 'prefixes'>, asked: string): string | null {
  if (covers({ prefixes }, asked)) return asked
  const below = prefixes.filter((prefix) => prefix.startsWith(asked))
  const [widest] = below.toSorted((left, right) => left.length - right.length)
  return widest !== undefined && below.every((prefix) => prefix.startsWith(widest)) ? widest : null
}
