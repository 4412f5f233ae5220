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
  ['assertion in production code', /^AssertionFailure/],
]

/** Null for what no checker says. */
export const checkerOf = (violation: string): string | null => checkers.find(([, says]) => says.test(violation))?.[0] ?? null
