import type { Checked } from '#api/locks/hold.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { Ledger } from './ledger.ts'

interface Judges {
  readonly ledger: Pick<Ledger, 'grant'>
  /** Counts what clients do. */
  readonly did: (action: string) => void
}

/** What was said of a token is true of some time between the question and the answer. */
export function judgeCheck(
  { ledger, did }: Judges,
  { token, sentAt }: { readonly token: number; readonly sentAt: number },
  { valid, reason }: Pick<Checked, 'valid' | 'reason'>,
): void {
  const until = ledger.grant(token)?.until
  const said = `token ${token} was said to be ${reason}, asked at ${sentAt.toFixed(1)}`
  if (valid && until !== null && (until ?? 0) < sentAt) throw new Violation(`${said}, and its grant ended at ${until?.toFixed(1)}`)
  if (!valid && until === null) throw new Violation(`${said}, and it is held`)
  if (reason === 'superseded') did('stale-token-refused')
}
