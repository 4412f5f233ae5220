import { randomUUID } from 'node:crypto'
import { queueApiLimits, queueDefaults } from '#api/queues/limits.ts'
import type { ProducedMessage } from '#api/queues/produce.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import { linesOf } from '#cli/input-lines.ts'
import { defineCommand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { jsonOf } from '#cli/flags/json-value.ts'
import { duration, integer, text as textFlag, toggle, withDefault } from '#cli/flags/kinds.ts'
import { printJson, screen } from '#cli/output/terminal.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { orRefused, refused } from '#cli/service/service-client.ts'
import { queueClientOf, queueServiceFlags } from '#cli/service/service-flags.ts'
import { checkQueue } from './queue-flags.ts'

const help = `Prints the id when the message is on the disks of a majority. A MESSAGE that is JSON is sent as that, anything else as a text; --text takes
it as a text in any case. Without a MESSAGE each line of standard input is one. What has no answer is sent again, and is in the queue once:
each message has a dedupe id.

Examples:
  lockstep produce orders '{"id":1}' --key customer-7
  lockstep produce mails hello --delay 10m
  seq 1000 | lockstep produce numbers

Exit codes: 0, 1 refused, 75 a limit is reached, 69 no node answered: the message may be in the queue or not`

const { nameBytesMax, durationMsMax, priorityMax } = queueApiLimits
const linesPerCall = 500

export const produceCommand: Command = defineCommand({
  name: 'produce',
  summary: 'send messages to a queue',
  operands: 'QUEUE [MESSAGE]',
  help,
  flags: {
    text: toggle('the message is a text, also when it looks like JSON'),
    key: textFlag('KEY', 'messages of one key are delivered in order'),
    delay: withDefault(duration('DURATION', 'delivers it so much later; 0', { min: 0, max: durationMsMax }), 0),
    priority: withDefault(integer('N', '0 to 9, higher first; 0', { min: 0, max: priorityMax }), queueDefaults.priority),
    ttl: duration('DURATION', 'drops it when it is not delivered for so long', { min: 1, max: durationMsMax }),
    'dedupe-id': textFlag('ID', 'a second message of this id is not taken; one of its own by default'),
    ...queueServiceFlags,
  },
  read({ 'dedupe-id': dedupeId, ...values }, [queue = '', message, ...more], mistakes) {
    if (queue === '') mistakes.push('the QUEUE must be given')
    checkQueue(queue, mistakes)
    if (more.length > 0) mistakes.push('one MESSAGE only: quote it')
    for (const [flag, given] of [
      ['--key', values.key],
      ['--dedupe-id', dedupeId],
    ] as const) {
      if (given !== undefined && Buffer.byteLength(given) > nameBytesMax) mistakes.push(`${flag} has at most ${nameBytesMax} bytes`)
    }
    if (message === undefined && dedupeId !== undefined) mistakes.push('--dedupe-id is for one MESSAGE')
    return { ...values, queue, message, dedupeId }
  },
  async run({ queue, message, dedupeId, text, key, delay, priority, ttl, json, ...service }) {
    const client = queueClientOf(service)
    const terms = { delay_ms: delay, priority, ...(key === undefined ? {} : { key }), ...(ttl === undefined ? {} : { ttl_ms: ttl }) }
    const item = (line: string): Item => ({ ...terms, message: jsonOf(line, text), dedupe_id: dedupeId ?? randomUUID() })
    if (message !== undefined) await produced(client, queue, [item(message)], json)
    else await piped(client, queue, item, json)
    return exitCodes.done
  },
})

type Item = ProducedMessage

async function piped(client: ServiceClient, queue: string, item: (line: string) => Item, json: boolean): Promise<void> {
  let batch: Item[] = []
  for await (const line of linesOf(process.stdin)) {
    batch.push(item(line))
    if (batch.length < linesPerCall) continue
    await produced(client, queue, batch, json)
    batch = []
  }
  if (batch.length > 0) await produced(client, queue, batch, json)
}

/** In order; ends at the first that is refused. */
async function produced(client: ServiceClient, queue: string, messages: readonly Item[], json: boolean): Promise<void> {
  const answer = orRefused(await client.call(queueRoutes.produce, () => ({ queue, messages }), { repeatable: true }))
  const results = 'results' in answer ? answer.results : []
  for (const result of results) {
    if (result.status === 'refused') throw refused({ ...result.error, code: result.error.code as never })
    if (json) printJson(result)
    else screen.print(`${result.message_id}\n`)
  }
}
