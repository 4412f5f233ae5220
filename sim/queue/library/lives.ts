import type { QueueClient } from '#sdk/queue/queue-client.ts'
import { LockstepError } from '#sdk/errors.ts'
import { Fate } from '#sim/clients/fate.ts'
import { refusal } from '#sim/clients/program.ts'
import { deadQueue } from '#sim/queue/options.ts'
import type { QueueProgram, QueueProgramPorts } from './queue-program.ts'
import { connectQueues, queueProgram } from './queue-program.ts'
import { receive } from './receiving.ts'
import { survive } from './refusals.ts'
import { send } from './sending.ts'
import { SendingOrder } from './sending-order.ts'
import { Work } from './working.ts'

/** One life of a program after the other: who has died comes back under another name and knows nothing. */
export async function liveWithQueues(name: string, ports: QueueProgramPorts): Promise<void> {
  for (let life = 1; !ports.isOver(); life++) {
    const program = queueProgram(`${name}.${life}`, ports)
    new Fate(program, ports.options.libraryFateEveryMs).begin()
    await Promise.race([liveOnce(program), program.dead])
  }
}

/** It ends in peace, or closes its client while its tasks are still at it. */
async function liveOnce(program: QueueProgram): Promise<void> {
  const { prng, ports } = program
  const sync = await connectQueues(program)
  if (sync === null) return program.end()
  const order = new SendingOrder(ports.ledger)
  const tasks = Array.from({ length: prng.between(2, 4) }, () =>
    runTask(program, sync, prng.pick<Kind>(['send', 'receive', 'work']), order),
  )
  const working = Promise.all(tasks)
  // Whoever waits for them hears of it.
  working.catch(() => {})
  if (prng.chance(0.5)) await Promise.race([program.toLeave, working])
  else await working
  ports.did('library-close')
  await program.bounded('close', farewellMs, sync.close())
  await working
  program.end()
}

async function runTask(program: QueueProgram, sync: QueueClient, kind: Kind, order: SendingOrder): Promise<void> {
  const { ports } = program
  const { produceThinkMs, consumeThinkMs } = ports.options
  while (!program.isOver) {
    await program.think(kind === 'send' ? produceThinkMs : consumeThinkMs)
    if (program.isOver) return
    const told = await doOnce(program, sync, kind, order).catch(refusal)
    if (told instanceof LockstepError) survive(program, told)
  }
}

async function doOnce(program: QueueProgram, sync: QueueClient, kind: Kind, order: SendingOrder): Promise<void> {
  if (kind === 'send') await send(program, sync, order)
  else if (kind === 'receive') await receive(program, sync, queueFor(program))
  else await work(program, sync)
}

type Kind = 'send' | 'receive' | 'work'

/** Several workers for a while, each with a queue of its own. */
async function work(program: QueueProgram, sync: QueueClient): Promise<void> {
  const { prng } = program
  const works = Array.from(
    { length: prng.between(1, 2) },
    () => new Work(program, sync, { queue: queueFor(program), concurrency: prng.pick([1, 2, 8]) }),
  )
  const until = prng.between(1, 30)
  for (let seconds = 0; seconds < until && !program.isOver; seconds++) await program.sleep(1_000)
  await Promise.all(works.map((each) => each.stop()))
}

const queueFor = ({ prng, ports }: QueueProgram): string => (prng.chance(0.1) ? deadQueue : prng.pick(ports.options.queues).name)

/** The library takes no longer to say goodbye. */
const farewellMs = 1_000
