import { deepEqual, equal, ok } from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { silentTelemetry } from '#ports/telemetry.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { DiskRoom, spaceOf } from './disk-room.ts'
import type { DiskSpace } from './disk-room.ts'

const roomOf = (scheduler: Scheduler, space: () => Promise<DiskSpace>): DiskRoom =>
  new DiskRoom({ space, clock: new Machine('m', scheduler, { touched() {} }) })

test('a disk has no room below 5 % free, and has it again from 6 % on; each is told once', async () => {
  const scheduler = new Scheduler()
  const logged: string[] = []
  const total = 1e12
  let share: number | null = 0.5
  const room = roomOf(scheduler, async () => (share === null ? Promise.reject(new Error('gone')) : { free: share * total, total }))
  room.start({ ...silentTelemetry, log: (_level, event) => logged.push(event) })
  const seen: boolean[] = []
  for (const next of [0.5, 0.051, 0.049, 0.055, null, 0.059, 0.0601, 0.0501]) {
    share = next
    scheduler.run(scheduler.now + 1_000, () => {})
    await new Promise(setImmediate)
    seen.push(room.has)
  }
  deepEqual(seen, [true, true, false, false, false, false, true, true])
  deepEqual(logged, ['disk-low', 'disk-has-room'])
  room.stop()
})

test('a small disk has no room while the store could still write', async () => {
  const scheduler = new Scheduler()
  const mebibyte = 1024 * 1024
  const room = roomOf(scheduler, async () => ({ free: 100 * mebibyte, total: 400 * mebibyte }))
  room.start(silentTelemetry)
  scheduler.run(1_000, () => {})
  await new Promise(setImmediate)
  equal(room.has, false)
})

test('the space of a real disk is some of it', async () => {
  const { free, total } = await spaceOf(tmpdir())
  ok(free > 0 && free <= total)
})
