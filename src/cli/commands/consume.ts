import { queueApiLimits } from '#api/queues/limits.ts'
import { defineCommand, onlyOperand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { duration, integer, toggle, withDefault } from '#cli/flags/kinds.ts'
import { interruptible } from '#cli/interrupts.ts'
import { screen } from '#cli/output/terminal.ts'
import type { DeliveredMessage } from '#cli/service/queue-messages.ts'
import { ackAll, onOneLine, received } from '#cli/service/queue-messages.ts'
import { queueClientOf, queueServiceFlags } from '#cli/service/service-flags.ts'
import { newClientId } from './acquire.ts'
import { checkQueue, consumer, visibility } from './queue-flags.ts'

const help = `Prints each message as JSON on a line, and acks it once it is printed. One message, unless --max or --follow says more. With --keep it is
not acked: --json prints the receipt with it, for 'lockstep ack'. To run a command for each message: lockstep work

Examples:
  lockstep consume orders --wait 10s
  lockstep consume orders --follow | while read -r order; do ship "$order"; done
  lockstep consume orders --keep --json | jq -r .receipt

Exit codes: 0, 75 nothing was there within --wait, 1 refused (no such queue, say), 69 no node answered, 130 interrupted`

const { itemsMax } = queueApiLimits

export const consumeCommand: Command = defineCommand({
  name: 'consume',
  summary: 'receive messages, print them and ack them',
  operands: 'QUEUE',
  help,
  flags: {
    max: integer('N', 'how many at most; 1', { min: 1, max: 1_000_000_000 }),
    follow: toggle('goes on until it is interrupted'),
    wait: withDefault(duration('DURATION', 'how long to wait for a message; 0', { min: 0, max: Infinity }), 0),
    keep: toggle('does not ack: the message comes again when its time is over'),
    visibility: visibility('for how long nobody else gets it; as the queue says'),
    consumer,
    ...queueServiceFlags,
  },
  read({ max, follow, consumer: given, ...values }, operands, mistakes) {
    const queue = onlyOperand('the QUEUE', operands, mistakes)
    checkQueue(queue, mistakes)
    if (follow && max !== undefined) mistakes.push('--follow is without an end, so --max means nothing beside it')
    return { ...values, queue, follow, max: max ?? (follow ? Infinity : 1), consumerId: given ?? newClientId() }
  },
  async run({ queue, max, follow, wait, keep, visibility: visibilityMs, consumerId, json, ...service }) {
    const client = queueClientOf(service)
    let count = 0
    await interruptible(async (signal) => {
      while (count < max) {
        const waitMs = follow ? Infinity : wait
        const { messages } = await received(client, {
          queue,
          consumerId,
          visibilityMs,
          max: Math.min(max - count, itemsMax),
          waitMs,
          signal,
        })
        if (messages.length === 0) return
        for (const message of messages) print(message, json)
        if (!keep) await ackAll(client, messages)
        count += messages.length
      }
    })
    return count === 0 ? exitCodes.busy : exitCodes.done
  },
})

function print(message: DeliveredMessage, json: boolean): void {
  screen.print(`${onOneLine(json ? message.text : message.message)}\n`)
}
