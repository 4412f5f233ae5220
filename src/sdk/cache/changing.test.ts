import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import type { Answer } from '#core/cache/agent-state.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import { cacheKey, handle, slotId } from '#core/cache/types.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { Asking } from './asking.ts'
import type { CacheAgent } from './cache-agent.ts'
import { change } from './changing.ts'

test('a change whose outcome was lost is not open for longer than its client is remembered, whatever time it has', async () => {
  const scheduler = new Scheduler()
  const clock = new Machine('n', scheduler, { touched() {} })
  const asking = new Asking({ clock, prng: new Prng(1) }, 1_000)
  const done: ((answer: Answer) => void)[] = []
  const agent: Pick<CacheAgent, 'asking' | 'beginChange' | 'endChange' | 'identityOf' | 'permit' | 'slotOf'> & { readonly host: unknown } =
    {
      asking,
      beginChange: () => 1,
      endChange: () => {},
      identityOf: () => ({ client: 'c', sequence: 1, confirmed: 0, retry: false, again: false }),
      permit: () => {},
      slotOf: () => slotId(1),
      host: { write: (_place: unknown, _write: unknown, answered: (answer: Answer) => void) => (done.push(answered), () => false) },
    }
  const place = { agent: agent as never, key: cacheKey('k'), handle: handle(1) }
  const ended = change(place, { type: 'add', by: 1 }, asking.terms({ timeoutMs: 600_000 })).then(
    () => 'done',
    ({ code }: { code: string }) => `${code} at ${scheduler.now}`,
  )
  scheduler.run(scheduler.now + 25_000, () => {})
  done[0]?.({ type: 'changed', id: 1, outcome: { type: 'unknown' }, invalidated: 0 })
  await Promise.resolve()
  await Promise.resolve()
  const began = scheduler.now - 25_000
  scheduler.run(began + cacheLimits.clientIdleMs, () => {})
  const outcome = await Promise.race([ended, new Promise((resolve) => void setImmediate(resolve, 'open'))])
  ok(String(outcome).startsWith('unknown'), String(outcome))
  equal(done.length, 2)
})
