import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { applicationAgent } from '#core/cache/application.ts'
import type { SlotId } from '#core/cache/types.ts'
import { homeTerm, slotId } from '#core/cache/types.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import { encodeBus } from '#wire/cache-bus.ts'
import type { CacheBus } from './bus.ts'
import { CacheClientDesk } from './client-desk.ts'

test('a leader that is known is looked up again for who asks, and not more often than need be', () => {
  const scheduler = new Scheduler()
  const clock = new Machine('n', scheduler, { touched() {} })
  const lookedUp: SlotId[] = []
  const bus: Pick<CacheBus, 'slots' | 'leaderOf' | 'lookUp'> = {
    slots: 2,
    leaderOf: () => ({ term: homeTerm(1), node: 'gone' }),
    lookUp: (slot) => void lookedUp.push(slot),
  }
  const desk = new CacheClientDesk({
    node: () => ({ standing: { places: [] } }) as never,
    name: 'n',
    version: '1',
    clock,
    telemetry: silentTelemetry,
    bus: () => bus as never,
  })
  const peer = desk.serve({ send: () => {}, close: () => {} })
  peer.received({ type: 'enter', agent: applicationAgent('0'.repeat(32)) })
  const ask = (slot: number): void => peer.received({ type: 'bus', content: encodeBus([{ type: 'who-leads', slot: slotId(slot) }]) })
  ask(1)
  ask(1)
  ask(2)
  scheduler.run(scheduler.now + 300, () => {})
  ask(1)
  deepEqual(lookedUp, [1, 2, 1])
})
