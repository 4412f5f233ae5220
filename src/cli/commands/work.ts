import { queueApiLimits } from '#api/queues/limits.ts'
import { defineCommand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { duration, integer, patternText, required, withDefault } from '#cli/flags/kinds.ts'
import { handleMessage } from '#cli/hold/handle-message.ts'
import { interruptible } from '#cli/interrupts.ts'
import { errorScreen } from '#cli/output/terminal.ts'
import { received } from '#cli/service/queue-messages.ts'
import { queueClientOf, queueServiceFlags } from '#cli/service/service-flags.ts'
import { trustFlags } from '#cli/service/trust.ts'
import { newClientId } from './acquire.ts'
import { checkQueue, consumer, visibility } from './queue-flags.ts'

const help = `Runs the command for each message, which it finds as JSON on its standard input, and in its environment LOCKSTEP_QUEUE,
LOCKSTEP_MESSAGE_ID, LOCKSTEP_MESSAGE_KEY and LOCKSTEP_DELIVERY_COUNT. The message is kept for as long as the command runs, acked when it
ends with 0, and comes again later when it ends otherwise. When the message is lost, because no node could be reached for too long, say, the
command and all that it has begun get SIGTERM, and after --grace SIGKILL. Ctrl-C ends the command too, and its message goes back at once.

Examples:
  lockstep work --queue orders -- ./ship.sh
  lockstep work --queue mails --concurrency 4 --wait 1m -- sh -c 'jq -r .to | send-mail'

Exit codes: 0 nothing more came within --wait, or --max were handled; 1 refused, 69 no node answered, 126 the command may not be executed, 127 it
was not found, 130 interrupted`

export const workCommand: Command = defineCommand({
  name: 'work',
  summary: 'run a command for each message of a queue',
  operands: '[--] COMMAND [ARGUMENT…]',
  passesOn: true,
  help,
  flags: {
    queue: required(patternText('NAME', 'the queue', { pattern: /^[^]+$/, rule: 'a name' })),
    concurrency: withDefault(
      integer('N', 'so many at a time; 1. Messages of one key one after the other all the same', { min: 1, max: 256 }),
      1,
    ),
    max: withDefault(integer('N', 'ends after so many messages; never by default', { min: 1, max: 1_000_000_000 }), Infinity),
    wait: withDefault(duration('DURATION', 'ends when nothing came for so long; never by default', { min: 0, max: Infinity }), Infinity),
    visibility: withDefault(visibility('for how long a message stays with this process when that says nothing more; 30s'), 30_000),
    grace: withDefault(duration('DURATION', 'between SIGTERM and SIGKILL when a message is lost; 5s', { min: 0, max: 3_600_000 }), 5_000),
    consumer,
    url: queueServiceFlags.url,
    timeout: queueServiceFlags.timeout,
    ...trustFlags,
    'api-token': queueServiceFlags['api-token'],
  },
  read({ consumer: given, ...values }, operands, mistakes) {
    checkQueue(values.queue, mistakes)
    if (values.visibility < visibilityMsMin) mistakes.push('--visibility is at least 1s')
    if (operands.length === 0) mistakes.push('the COMMAND must be given, behind --')
    return { ...values, consumerId: given ?? newClientId(), command: operands }
  },
  async run({ queue, concurrency, max, wait: waitMs, visibility: visibilityMs, grace: graceMs, consumerId, command, ...service }) {
    const client = queueClientOf(service)
    const terms = { queue, command, visibilityMs, graceMs, say }
    let begun = 0
    const work = async (signal: AbortSignal): Promise<void> => {
      while (begun < max && !signal.aborted) {
        begun++
        const { messages, sentAt } = await received(client, { queue, consumerId, visibilityMs, max: 1, waitMs, signal })
        const [message] = messages
        if (message === undefined) return
        await handleMessage(client, message, { ...terms, sentAt, signal })
      }
      signal.throwIfAborted()
    }
    await interruptible((signal) => sideBySide(concurrency, signal, work))
    return exitCodes.done
  },
})

/** When one fails the others are interrupted, and have ended before that is told: no command goes on without somebody who keeps its message. */
async function sideBySide(count: number, interrupted: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const failed = new AbortController()
  const signal = AbortSignal.any([interrupted, failed.signal])
  await Promise.all(Array.from({ length: count }, () => work(signal).catch((error: unknown) => failed.abort(error))))
  failed.signal.throwIfAborted()
}

const visibilityMsMin = Math.min(1_000, queueApiLimits.visibilityMsMax)
const say = (line: string): void => errorScreen.print(`lockstep: ${line}\n`)
