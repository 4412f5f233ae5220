import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { queueRoutes } from '#api/queues/routes.ts'
import { err } from '#base/result.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes, signalExitCode } from '#cli/exit-codes.ts'
import type { DeliveredMessage } from '#cli/service/queue-messages.ts'
import { onOneLine } from '#cli/service/queue-messages.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import type { ChildEnding } from './child.ts'
import { runChild } from './child.ts'

interface Handling {
  readonly queue: string
  readonly command: readonly string[]
  readonly visibilityMs: number
  readonly graceMs: number
  /** When the message was asked for: its lease counts from then. */
  readonly sentAt: number
  /** The work is interrupted, and the command with it. */
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

/** Of a lease, for clocks that do not run alike and for the time it takes to act. */
const margin = 0.1

/** Runs the command for one message, keeps it meanwhile, and then acks it or gives it back. */
export async function handleMessage(client: ServiceClient, message: DeliveredMessage, handling: Handling): Promise<void> {
  const { queue, command, graceMs, signal, say } = handling
  const { receipt, message_id: id, key = '', delivery_count: count } = message
  const keeping = new AbortController()
  const lost = new AbortController()
  const kept = keep(client, receipt, handling, { ended: keeping.signal, lost })
  const own = { LOCKSTEP_QUEUE: queue, LOCKSTEP_MESSAGE_ID: id, LOCKSTEP_MESSAGE_KEY: key, LOCKSTEP_DELIVERY_COUNT: String(count) }
  const kill = AbortSignal.any([lost.signal, signal])
  const ending = await runChild(command, { env: { ...process.env, ...own }, kill, graceMs, input: `${onOneLine(message.message)}\n` })
  keeping.abort()
  await kept
  const code = exitCodeOf(ending)
  if (lost.signal.aborted) return say(`the message ${id} is lost: ${String(lost.signal.reason)}`)
  if (ending.type === 'not-started') await giveBack(client, receipt, 'release')
  else if (code === 0) await ack(client, message, say)
  else if (signal.aborted) await giveBack(client, receipt, 'release')
  else {
    say(`the message ${id} comes again: ${command[0] ?? ''} ended with ${code}`)
    await giveBack(client, receipt, 'fail')
  }
  if (ending.type === 'not-started') throw new CommandError(code, `${command[0] ?? ''} cannot be run: ${ending.code}`)
}

/** What the command did is done, whether or not that can be told. */
async function ack(client: ServiceClient, { receipt, message_id: id }: DeliveredMessage, say: (line: string) => void): Promise<void> {
  const acked = await client.call(queueRoutes.ack, () => ({ receipt }), { repeatable: true })
  if (!acked.ok && acked.error.code !== 'unknown_message') say(`the message ${id} may come again: ${acked.error.message}`)
}

async function giveBack(client: ServiceClient, receipt: string, kind: 'release' | 'fail'): Promise<void> {
  // Otherwise it comes again when its lease is over.
  await client.call(queueRoutes.nack, () => ({ receipt, kind }), { repeatable: true }).catch(() => {})
}

/** Extends the lease several times in its time, until it ends; or says that it is lost. What a node refuses for the moment is asked for again. */
async function keep(
  client: ServiceClient,
  receipt: string,
  { visibilityMs, sentAt: firstSentAt }: Handling,
  { ended, lost }: { readonly ended: AbortSignal; readonly lost: AbortController },
): Promise<void> {
  const trustedMs = visibilityMs * (1 - margin)
  const rest = (ms: number): Promise<void> => sleep(Math.max(0, ms), undefined, { signal: ended }).catch(() => {})
  let sentAt = firstSentAt
  await rest(sentAt + visibilityMs / 3 - performance.now())
  while (!ended.aborted) {
    const asked = performance.now()
    const timeoutMs = Math.max(1, sentAt + trustedMs - asked)
    const extended = await client
      .call(queueRoutes.extend, () => ({ receipt, visibility_ms: visibilityMs }), { timeoutMs, signal: ended, repeatable: true })
      .catch((error: unknown) => err({ message: error instanceof Error ? error.message : String(error), retryable: false }))
    if (ended.aborted) return
    if (extended.ok) {
      sentAt = asked
      await rest(sentAt + visibilityMs / 3 - performance.now())
    } else if (extended.error.retryable && performance.now() < sentAt + trustedMs) await rest(visibilityMs / 30)
    else return lost.abort(extended.error.message)
  }
}

function exitCodeOf(ending: ChildEnding): number {
  switch (ending.type) {
    case 'exited':
      return ending.code
    case 'signalled':
      return signalExitCode(constants.signals[ending.signal])
    case 'not-started':
      return ending.code === 'ENOENT' ? exitCodes.notFound : exitCodes.notExecutable
  }
}
