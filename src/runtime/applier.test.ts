import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Entry, SnapshotMeta } from '#core/raft/types.ts'
import { RegisterMachine } from '#services/register/register-machine.ts'
import { Applier } from './applier.ts'
import { ReplicatedMachine } from './replicated-machine.ts'
import { add } from '#test/harness/runtime-world.ts'

const entry = (index: number): Entry => ({
  index: logIndex(index),
  term: term(1),
  time: millis(index),
  wall: wallMillis(0),
  payload: { type: 'command', bytes: add(1) },
})

function applier(): { readonly one: Applier; readonly applied: number[] } {
  const applied: number[] = []
  const one = new Applier(new ReplicatedMachine(new RegisterMachine(), 1), {
    applied: ({ index }) => applied.push(index),
    advanced() {},
  })
  return { one, applied }
}

const snapshotAt = (index: number): SnapshotMeta => ({
  index: logIndex(index),
  term: term(1),
  time: millis(index),
  membership: { voters: [], outgoing: [], learners: [] },
  membershipIndex: logIndex(0),
  bytes: 0,
})

test('entries that come while the machine is held are applied afterwards, in order', () => {
  const { one, applied } = applier()
  one.apply([entry(1)])
  one.hold()
  one.apply([entry(2), entry(3)])
  one.apply([entry(4)])
  deepEqual(applied, [1])
  one.release()
  deepEqual(applied, [1, 2, 3, 4])
  equal(one.sinceSnapshot.entries, 4)
})

test('a restored snapshot stands for the queued entries that it covers', () => {
  const { one, applied } = applier()
  one.hold()
  one.apply([entry(1), entry(2)])
  one.apply([entry(3), entry(4)])
  one.restored(snapshotAt(3))
  one.release()
  deepEqual(applied, [4])
  equal(one.last.index, 4)
  equal(one.sinceSnapshot.entries, 1)
})

test('entries without a gap, time that does not go back: anything else is a bug', () => {
  const { one } = applier()
  one.apply([entry(1)])
  throws(() => one.apply([entry(3)]), /without a gap/)
  throws(() => one.apply([{ ...entry(2), time: millis(0) }]), /never goes back/)
})

test('who waits for an index is called when it is applied, by an entry or by a snapshot', () => {
  const { one } = applier()
  const called: string[] = []
  const wait = (index: number): void => one.whenApplied(logIndex(index), (applied) => called.push(`${index} ${applied}`))
  wait(0)
  deepEqual(called, ['0 true'], 'at once when it is applied already')
  for (const index of [5, 2, 3]) wait(index)
  one.apply([entry(1), entry(2)])
  deepEqual(called, ['0 true', '2 true'])
  one.hold()
  one.restored(snapshotAt(4))
  deepEqual(called, ['0 true', '2 true', '3 true'])
  one.close()
  deepEqual(called, ['0 true', '2 true', '3 true', '5 false'])
})

test('a replica that is gone leaves nobody waiting', () => {
  const { one } = applier()
  one.apply([entry(1)])
  one.close()
  const called: boolean[] = []
  one.whenApplied(logIndex(1), (applied) => called.push(applied))
  one.whenApplied(logIndex(2), (applied) => called.push(applied))
  deepEqual(called, [true, false], 'what was applied stays applied')
})
