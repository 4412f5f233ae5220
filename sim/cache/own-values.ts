import { Violation } from '#sim/checks/violation.ts'
import type { Claim, Told } from './claims.ts'
import type { Ledger } from './ledger.ts'

/** Who answers, and how many values at the level `owner` it had lost when it was asked, and has by now. */
export interface Answerer {
  readonly agent: string
  readonly lostBefore: number
  readonly lost: number
}

type Known = Pick<Ledger, 'of' | 'mayHaveDropped'>

interface OwnValue extends Answerer {
  readonly version: string
}

/**
 * What somebody was told at the level `owner`, and nobody else may see. It may be lost, but not unnoticed: its agent counts that. As long as that agent has
 * lost nothing, nothing older is what the same client reads there (decision C8). A client makes one call after the other.
 *
 * What memory was told of and did not take, or took away, is not counted: the ledger knows of it.
 */
export class OwnValues {
  readonly totals = { ownJudged: 0 }
  readonly #values = new Map<string, OwnValue>()
  readonly #ledger: () => Known

  constructor(ledger: () => Known) {
    this.#ledger = ledger
  }

  told({ client, key }: Claim, version: string, answerer: Answerer): void {
    this.#values.set(nameOf(client, key), { ...answerer, version })
  }

  /** Whatever the same client reads of the key. */
  read({ client, key }: Claim, { version, value }: Told, { agent, lost }: Answerer): void {
    const own = this.#values.get(nameOf(client, key))
    if (own === undefined || own.agent !== agent || own.lostBefore !== lost) return
    this.totals.ownJudged++
    if (compare(version, own.version) >= 0) return
    const ledger = this.#ledger()
    const log = ledger.of(key)
    const taken = log.find((moment) => compare(moment.version, own.version) >= 0)
    const isGone = taken === null ? ledger.mayHaveDropped(key, own.version) : value === null && log.absentFrom(taken.position) !== null
    if (isGone) return
    throw new Violation(
      `${client} reads version ${version} of ${key} after its own ${own.version}, which is older than what was told before`,
    )
  }
}

const nameOf = (client: string, key: string): string => `${client} ${key}`

/** Negative when the first is older. */
function compare(left: string, right: string): number {
  const [numbers, others] = [left.split('.').map(Number), right.split('.').map(Number)]
  const at = numbers.findIndex((number, place) => number !== others[place])
  return at < 0 ? 0 : (numbers[at] ?? 0) - (others[at] ?? 0)
}
