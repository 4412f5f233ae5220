import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { encodeCommand } from '#core/queue/command-codec.ts'
import { QueueMachine } from '#core/queue/machine.ts'
import { definitionOf, message } from '#core/queue/testkit-samples.ts'
import type { QueueCommand } from '#core/queue/types.ts'
import { consumerId, generation } from '#core/queue/types.ts'
import { depthsOf, queueReadings } from './depths.ts'
import { queueServiceLimits as limits } from './limits.ts'

class Slot {
  readonly machine: QueueMachine
  #index = 0

  constructor(slot: number) {
    this.machine = new QueueMachine({ clusterId: 'cluster', slot })
  }

  log(...commands: readonly QueueCommand[]): void {
    for (const command of commands)
      this.machine.apply(encodeCommand(command), { index: ++this.#index, term: 1, time: millis(0), wall: wallMillis(1_000) })
  }

  produce(name: string, number: number, count: number): void {
    const messages = Array.from({ length: count }, () => message('a'))
    const queue = { generation: generation(number), partition: 0 }
    this.log(
      { type: 'configure', queue: definitionOf(name, number), catalogueVersion: number },
      { type: 'produce', queue, producer: null, messages },
    )
  }
}

test('messages are counted by their state, over all slots of a queue', () => {
  const [one, other] = [new Slot(1), new Slot(2)]
  one.produce('q', 1, 3)
  other.produce('q', 1, 2)
  const queue = { generation: generation(1), partition: 0 }
  one.log({ type: 'consume', queue, consumer: consumerId('c'), max: 1, bytesMax: 1_000, visibilityMs: null })
  deepEqual(depthsOf([one.machine.state, other.machine.state], 3_500), [
    { queue: 'q', messages: { ready: 4, in_flight: 1, delayed: 0, dead: 0, dead_pending: 0 }, oldestAgeMs: 2_500 },
  ])
})

test('however many queues there are, the deepest have a name, and the others are one', () => {
  const slot = new Slot(1)
  const count = limits.measuredQueuesMax + 2
  for (let number = 1; number <= count; number++) slot.produce(`q${number}`, number, number)
  const depths = depthsOf([slot.machine.state], 1_000)
  equal(depths.length, limits.measuredQueuesMax + 1)
  deepEqual([depths[0]?.queue, depths[0]?.messages.ready], [`q${count}`, count])
  deepEqual([depths.at(-1)?.queue, depths.at(-1)?.messages.ready], ['', 3])
  const { lockstep_queue_depth: depth, lockstep_queue_oldest_age_seconds: age } = queueReadings(() => depths)
  equal(
    [...depth()].reduce((sum, { value }) => sum + value, 0),
    (count * (count + 1)) / 2,
    'none is left out, and none counts twice',
  )
  equal([...age()].length, depths.length)
})
