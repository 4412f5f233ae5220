/** The checkers of the simulator, and how each begins what it has to say. */
const checkers: readonly (readonly [checker: string, says: RegExp])[] = [
  ['one leader per term', /both lead in term/],
  ['leader completeness', /leads in term \d+ without entry/],
  ['no leader beside a lease', /may trust its lease/],
  ['committed entries never differ', /have committed different entries/],
  ['equal states at equal indexes', /are in different states/],
  ['terms only grow', /the term went back/],
  ['commit only grows', /the commit index went back/],
  ['linearizability', /^not linearizable/],
  ['rest after healing', /^no rest/],
  ['mutual exclusion of clients', /both believe that they hold/],
  ['sessions last as long as told', /^session \S+ was kept alive/],
  ['locks last as long as told', /may trust \S+ until|is told that it holds/],
  ['first come, first served', /who is in front of it/],
  ['nobody is left waiting', /is left waiting$/],
  ['grants exclude each other', /is granted .* beside/],
  ['tokens only grow', /is granted .* with token/],
  ['nothing for a session that is over', /under a session that is over/],
  ['deadlocks are told as they are', /a deadlock that is none/],
  ['no deadlock is left', /a deadlock is left between/],
  ['tokens are checked as they are', /^token \d+ was said to be/],
  ['assertion in production code', /^AssertionFailure/],
]

/** Null for what no checker says. */
export const checkerOf = (violation: string): string | null => checkers.find(([, says]) => says.test(violation))?.[0] ?? null
