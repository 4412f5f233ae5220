import type { Message } from '#sdk/queue/message.ts'
import type { QueueClient } from '#sdk/queue/queue-client.ts'
import { LockstepError } from '#sdk/errors.ts'
import { refusal } from '#sim/clients/program.ts'
import { Handling } from './handling.ts'
import type { QueueProgram } from './queue-program.ts'
import { survive } from './refusals.ts'

/** Receives some, and settles them one after the other, or all at once; now and then too late, or not at all. */
export async function receive(program: QueueProgram, sync: QueueClient, queue: string): Promise<void> {
  const { ports, prng } = program
  const sentAt = ports.world.scheduler.now
  const messages = await ask(program, sync, queue)
  const handlings = messages.map((message) => new Handling(program, message, sentAt))
  if (handlings.length > 1 && prng.chance(0.5)) {
    await program.think(ports.options.consumeThinkMs)
    await Promise.all(handlings.map((handling) => handling.ack()))
    return
  }
  for (const handling of handlings) await settle(program, handling)
}

async function ask(program: QueueProgram, sync: QueueClient, queue: string): Promise<readonly Message<unknown>[]> {
  const { ports, prng, timeoutMs, leaseMs } = program
  const sentAt = ports.world.scheduler.now
  const waitMs = prng.pick([0, 0, 1_000, 10_000])
  const max = prng.pick([1, 1, 3, 10])
  const options = { max, waitMs, visibilityTimeoutMs: leaseMs }
  const ending = new AbortController()
  const aborts = waitMs > 0 && prng.chance(0.2)
  if (aborts) program.machine.after(prng.float() * waitMs, () => ending.abort())
  ports.did(aborts ? 'library-receive-abort' : waitMs === 0 ? 'library-receive' : 'library-receive-wait')
  const receiving = sync.queue<unknown>(queue).receive(aborts ? { ...options, signal: ending.signal } : options)
  const received = await program.bounded('receive', waitMs + timeoutMs, receiving.catch(refusal))
  if (received instanceof LockstepError) {
    survive(program, received)
    return []
  }
  if (received.length === 0 && !ports.stoppedSince(sentAt)) ports.claims.empty(queue, sentAt)
  return received
}

async function settle(program: QueueProgram, handling: Handling): Promise<void> {
  const { prng, ports, leaseMs } = program
  const { options } = ports
  await program.think(options.consumeThinkMs)
  if (prng.chance(options.abandonShare)) {
    ports.did('library-abandon')
    if (prng.chance(0.5)) return
    await program.sleep(leaseMs * (0.8 + 0.7 * prng.float()))
  }
  if (prng.chance(0.15)) await handling.extend()
  if (prng.chance(options.rejectShare)) return handling.reject()
  return prng.chance(options.failShare) ? handling.giveBack() : handling.ack()
}
