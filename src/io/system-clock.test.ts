import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from './system-clock.ts'

test('a timer never calls before its time, and not after it was cancelled', async () => {
  const early: number[] = []
  const waits = Array.from({ length: 40 }, (_, delayMs) => {
    const due = systemClock.now() + delayMs
    return new Promise<void>((resolve) => {
      systemClock.after(delayMs, () => {
        if (systemClock.now() < due) early.push(delayMs)
        resolve()
      })
    })
  })
  const cancel = systemClock.after(5, () => assert.fail('cancelled'))
  cancel()
  systemClock.after(2 ** 40, () => assert.fail('a year that is over at once'))()
  await Promise.all(waits)
  assert.deepEqual(early, [])
})

test('soon comes before any timer, wherever it is called', async () => {
  const places: readonly ((call: () => void) => void)[] = [setImmediate, (call) => systemClock.after(1, call), queueMicrotask]
  for (const place of places) {
    const order: string[] = []
    await new Promise<void>((resolve) => {
      place(() => {
        systemClock.after(0, () => {
          order.push('timer')
          resolve()
        })
        systemClock.soon(() => order.push('soon'))
        const busyUntil = systemClock.now() + 3
        while (systemClock.now() < busyUntil);
      })
    })
    assert.deepEqual(order, ['soon', 'timer'])
  }
})
