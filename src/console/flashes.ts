import type { BusEvent } from '#api/cache/events.ts'

/** What just went over the bus for a key, at one node. */
export interface Flash {
  readonly transaction: BusEvent['transaction']
  /** Grows, so that the same transaction shows again. */
  readonly number: number
}

const flashesMax = 512

export const cellName = (key: string, node: string): string => `${node} ${key}`

/** The cell of the agent flashes: the one who asks, or the one who is told. The home has no line of its own. */
export function flashed(
  flashes: ReadonlyMap<string, Flash>,
  { key, from, to, transaction }: BusEvent,
  number: number,
): ReadonlyMap<string, Flash> {
  const isAsked = transaction === 'BusRd' || transaction === 'BusRdX' || transaction === 'BusUpgr' || transaction === 'Flush'
  const name = cellName(key, isAsked ? from : to)
  const next = new Map(flashes)
  next.delete(name)
  next.set(name, { transaction, number })
  for (const oldest of next.keys()) {
    if (next.size <= flashesMax) break
    next.delete(oldest)
  }
  return next
}
