import type { BusEvent } from '#api/cache/events.ts'
import { instantOf } from '#api/schemas.ts'
import type { ToAgent, ToHome } from '#core/cache/messages.ts'
import type { LineState } from '#core/cache/transitions.ts'
import type { Key } from '#core/cache/types.ts'
import type { Clock } from '#ports/clock.ts'
import { EventHub } from '#services/common/event-hub.ts'
import type { BusObserver, Ends } from './bus.ts'
import { cacheServiceLimits as limits } from './limits.ts'

type Asked = 'BusRd' | 'BusRdX' | 'BusUpgr' | 'Flush'

export interface CountsPorts {
  readonly clock: Clock
  /** Of the line on this node. */
  readonly stateOf: (key: Key) => LineState
}

/** Counts what goes over the bus, and tells it to whoever watches. A request that is sent again is counted once. */
export class Counts implements BusObserver {
  readonly hub = new EventHub()
  readonly asks: Record<Asked, number> = { BusRd: 0, BusRdX: 0, BusUpgr: 0, Flush: 0 }
  readonly snoops = { invalidationsSent: 0, invalidationsReceived: 0, downgradesSent: 0, downgradesReceived: 0 }
  /** Values at the level `owner` that were sent to memory. */
  writeBacks = 0
  reads = 0
  writes = 0
  readonly #ports: CountsPorts
  readonly #seconds: { readonly at: number; calls: number }[] = []
  #lastNumber = 0

  constructor(ports: CountsPorts) {
    this.#ports = ports
  }

  called(kind: 'reads' | 'writes'): void {
    this[kind]++
    const at = this.#second
    const last = this.#seconds.at(-1)
    if (last?.at === at) last.calls++
    else this.#seconds.push({ at, calls: 1 })
    this.#forget(at)
  }

  /** Calls per second, of the last ten whole seconds and the one that has begun. */
  get rate(): number {
    this.#forget(this.#second)
    return this.#seconds.reduce((sum, { calls }) => sum + calls, 0) / limits.rateSeconds
  }

  asked(message: ToHome, ends: Ends, seen: 'sent' | 'received'): void {
    if (message.type !== 'request') return
    const transaction = transactionOf(message.body, seen === 'sent' ? this.#ports.stateOf(message.key) : 'I')
    if (seen === 'sent' && message.number > this.#lastNumber) {
      this.#lastNumber = message.number
      this.asks[transaction]++
      if (hasDirty(message.body)) this.writeBacks++
    }
    this.#tell(message, ends, { transaction, grants: null, seen })
  }

  told(message: ToAgent, ends: Ends, seen: 'sent' | 'received'): void {
    if (message.type === 'snoop') {
      const transaction = message.downgradeTo === null ? 'Invalidate' : 'Downgrade'
      const kind = transaction === 'Invalidate' ? 'invalidations' : 'downgrades'
      this.snoops[`${kind}${seen === 'sent' ? 'Sent' : 'Received'}`]++
      this.#tell(message, ends, { transaction, grants: null, seen })
    } else if (message.type === 'reply') this.#tell(message, ends, { transaction: 'Answer', grants: grantsOf(message.body), seen })
  }

  #tell(
    { key, slot }: { readonly key: Key; readonly slot: number },
    ends: Ends,
    what: Pick<BusEvent, 'transaction' | 'grants' | 'seen'>,
  ): void {
    if (!this.hub.isWatched) return
    const event: BusEvent = { type: 'bus', at: instantOf(this.#ports.clock.wall()), key, slot, ...ends, ...what }
    this.hub.publish(event)
  }

  #forget(now: number): void {
    while (this.#seconds[0] !== undefined && this.#seconds[0].at <= now - limits.rateSeconds) this.#seconds.shift()
  }

  get #second(): number {
    return Math.floor(this.#ports.clock.now() / 1_000)
  }
}

/** An upgrade is told from a write of somebody who has nothing only at the agent: the home sees no difference. */
function transactionOf(body: Extract<ToHome, { type: 'request' }>['body'], state: LineState): Asked {
  if (body.type === 'read' || body.type === 'fill') return 'BusRd'
  if (body.type === 'flush' || body.held !== null) return 'Flush'
  return state === 'S' ? 'BusUpgr' : 'BusRdX'
}

const hasDirty = (body: Extract<ToHome, { type: 'request' }>['body']): boolean =>
  body.type === 'flush' || (body.type === 'write' && body.dirty !== null)

function grantsOf(body: Extract<ToAgent, { type: 'reply' }>['body']): BusEvent['grants'] {
  if (body.type === 'granted') return body.rights === 'shared' ? 'S' : 'E'
  return body.type === 'written' && body.line !== null ? 'M' : null
}
