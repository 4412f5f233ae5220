import { present } from '#base/assert.ts'
import { Violation } from '#sim/checks/violation.ts'
import { deadQueue } from '#sim/queue/options.ts'
import type { QueueProgramPorts } from './queue-program.ts'
import { connectQueues, queueProgram } from './queue-program.ts'
import { Work } from './working.ts'

/** When nothing goes wrong any more: workers take whatever can be delivered, and leave nothing lying. */
export async function workAllOff(ports: QueueProgramPorts): Promise<void> {
  const program = queueProgram('finisher', ports)
  const sync = present(await connectQueues(program), 'it is not over')
  const names = [...ports.options.queues.map(({ name }) => name), deadQueue]
  const works = names.map((queue) => new Work(program, sync, { queue, concurrency: 8 }))
  const { scheduler } = ports.world
  const startedAt = scheduler.now
  for (;;) {
    await program.sleep(1_000)
    const ready = names.flatMap((name) => ports.ledger.readyIn(name))
    if (ready.length === 0) break
    const lying = ready.find(({ since, takenAt }) => scheduler.now - Math.max(since, takenAt, startedAt) > lyingMs)
    if (lying !== undefined) throw new Violation(`workers of the library wait, and ${lying.queue} has had messages for ${lyingMs} ms`)
  }
  await Promise.all(works.map((work) => work.stop()))
  await sync.close()
  program.end()
}

/** The longest that a handler is at work, twice over. */
const lyingMs = 40_000
