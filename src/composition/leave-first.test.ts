import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as aTurn } from 'node:timers/promises'
import { err, ok } from '#base/result.ts'
import { noLeader } from '#api/common/faults.ts'
import type { NodeApi } from '#api/common/node-api.ts'
import { faultOf } from '#api/errors.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { leaveFirst } from './leave-first.ts'

type Answer = Awaited<ReturnType<NodeApi['operators']['leave']>>

const leaving: Answer = ok({ status: 'leaving', node_id: 'a', replicas: 1 })
const last: Answer = err(faultOf('last_member', 'it is the last one', { node_id: 'a' }))

/** A node that is told to stop, with what its cluster answers, one time after the other, the last one for ever. */
class Stopping {
  readonly #scheduler = new Scheduler()
  readonly #asked = new AbortController()
  readonly #stop: AbortSignal
  asked = 0

  constructor(answers: readonly Answer[], clusterId: string | null = 'c') {
    const leave = (): Promise<Answer> => Promise.resolve(answers[Math.min(this.asked++, answers.length - 1)] as Answer)
    const node = { describe: () => ({ cluster_id: clusterId }), operators: { leave } } as unknown as NodeApi
    const clock = new Machine('a', this.#scheduler, { touched() {} })
    this.#stop = leaveFirst({ node: () => node, clock, asked: this.#asked.signal, limitMs: 10_000 })
  }

  async tell(): Promise<void> {
    this.#asked.abort()
    await aTurn()
  }

  /** Milliseconds pass. */
  async pass(forMs: number): Promise<void> {
    const end = this.#scheduler.now + forMs
    while (this.#scheduler.now < end) {
      this.#scheduler.run(Math.min(end, this.#scheduler.now + 100), () => {})
      await aTurn()
    }
  }

  get mustStop(): boolean {
    return this.#stop.aborted
  }
}

test('a node that is told to stop leaves first, and is asked to stop only when the time for that is over', async () => {
  const node = new Stopping([leaving])
  await node.pass(20_000)
  deepEqual([node.asked, node.mustStop], [0, false], 'nobody has told it yet')
  await node.tell()
  await node.pass(9_900)
  deepEqual([node.asked, node.mustStop], [1, false])
  await node.pass(100)
  equal(node.mustStop, true)
})

test('it asks again while its cluster has no leader', async () => {
  const node = new Stopping([err(noLeader()), err(noLeader()), leaving])
  await node.tell()
  await node.pass(5_000)
  deepEqual([node.asked, node.mustStop], [3, false])
})

test('it stops at once when there is nobody to hand over to, or no cluster yet', async () => {
  for (const node of [new Stopping([last]), new Stopping([leaving], null)]) {
    await node.tell()
    equal(node.mustStop, true)
  }
})

test('nothing is asked any more once its time is over', async () => {
  const node = new Stopping([err(noLeader())])
  await node.tell()
  await node.pass(10_000)
  const { asked } = node
  await node.pass(10_000)
  deepEqual([asked > 10, node.asked, node.mustStop], [true, asked, true])
})
