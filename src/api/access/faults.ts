import type { Denial, Grants } from '#core/access/types.ts'
import type { Fault } from '#api/errors.ts'
import { faultOf } from '#api/errors.ts'

/** The faults of calls that are not allowed, with their words. None of them tells more of a token than its name and what it may do. */

export const unauthorized = (why: string): Fault<'unauthorized'> =>
  faultOf('unauthorized', `${why}: send the header authorization: Bearer TOKEN`, {})

export function forbidden({ name, prefixes }: Grants, denial: Denial): Fault<'forbidden'> {
  const only = `the token ${name} may only touch names that begin with ${prefixes.map((prefix) => JSON.stringify(prefix)).join(' or ')}`
  switch (denial.type) {
    case 'role':
      return faultOf('forbidden', `this needs the role ${denial.role}, and the token ${name} does not have it`, { role: denial.role })
    case 'name':
      return faultOf('forbidden', `${only}, and not ${JSON.stringify(shortened(denial.name))}`, { prefixes: [...prefixes] })
    case 'all':
      return faultOf('forbidden', `${only}, and this is about all of them: give one of these as prefix where the call takes one`, {
        prefixes: [...prefixes],
      })
  }
}

export const rateLimited = (waitMs: number): Fault<'rate_limited'> =>
  faultOf('rate_limited', `more requests than this caller may make; nothing was carried out: try again in ${Math.ceil(waitMs)} ms`, {
    retry_after_ms: Math.ceil(waitMs),
  })

const shortened = (name: string): string => (name.length > 128 ? `${name.slice(0, 127)}…` : name).toWellFormed()
