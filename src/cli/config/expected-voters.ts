/**
 * The addresses of the first `count` nodes of a set whose hosts differ in a number alone, such as `lock-2.locks.default.svc:8001`; null for a host that has none.
 * The list is the same on each of them, and what a name server says has no part in it (decision R3).
 */
export function expectedVoters(own: string, count: number): readonly string[] | null {
  const [, name, rest] = /^([^.:]*-)(?:0|[1-9]\d{0,5})((?:\.[^:]*)?:\d+)$/.exec(own) ?? []
  if (name === undefined || rest === undefined) return null
  return Array.from({ length: count }, (_, at) => `${name}${at}${rest}`).sort()
}
