import { randomUUID } from 'node:crypto'
import { queueApiLimits, queueDefaults } from '#api/queues/limits.ts'
import type { ProducedMessage } from '#api/queues/produce.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import { CommandError } from '#cli/command-error.ts'
import { linesOf } from '#cli/input-lines.ts'
import { defineCommand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { jsonOf } from '#cli/flags/json-value.ts'
import { duration, integer, text as textFlag, toggle, withDefault } from '#cli/flags/kinds.ts'
import { errorScreen, printJson, screen } from '#cli/output/terminal.ts'
import { NumberedBatches } from '#cli/service/numbered-batches.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { orRefused, refused } from '#cli/service/service-client.ts'
import { queueClientOf, queueServiceFlags } from '#cli/service/service-flags.ts'
import { checkQueue } from './queue-flags.ts'

const help = `Prints the id when the message is on the disks of a majority. A MESSAGE that is JSON is sent as that, anything else as a text; --text takes
it as a text in any case. Without a MESSAGE each line of standard input is one. What has no answer is sent again, and is in the queue once.

Examples:
  lockstep produce orders '{"id":1}' --key customer-7
  lockstep produce mails hello --delay 10m
  seq 1000 | lockstep produce numbers

Exit codes: 0, 1 refused, 75 a limit is reached, 69 no node answered: the message may be in the queue or not`

const { nameBytesMax, durationMsMax, priorityMax } = queueApiLimits
const linesPerCall = 500
/** Of messages: a request with more takes longer than a busy node may take to answer. */
const bytesPerCall = 1024 * 1024

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
    const item = (line: string): Item => ({ ...terms, message: jsonOf(line, text) })
    if (message === undefined) await piped(client, queue, item, { key, json })
    else await single(client, queue, { ...item(message), dedupe_id: dedupeId ?? randomUUID() }, json)
    return exitCodes.done
  },
})

type Item = ProducedMessage

/** In order; ends with the first request of which a line is refused, and says which. */
async function piped(client: ServiceClient, queue: string, item: (line: string) => Item, { key, json }: Piping): Promise<void> {
  const batches = new NumberedBatches(client, queue, key)
  let sent = 0
  for await (const items of batchesOf(linesOf(process.stdin), item)) {
    const refusals: CommandError[] = []
    for (const result of await batches.send(items)) {
      sent++
      if (result.status !== 'refused') {
        tell(result, json)
        continue
      }
      const refusal = refused({ ...result.error, code: result.error.code as never })
      errorScreen.print(`lockstep: line ${sent}: ${refusal.message}\n`)
      refusals.push(refusal)
    }
    const [first] = refusals
    if (first !== undefined) {
      const rest = `of the first ${sent} lines all but ${refusals.length} are in the queue, and those behind were not sent`
      throw new CommandError(first.exitCode, rest)
    }
  }
}

interface Piping {
  readonly key: string | undefined
  readonly json: boolean
}

/** As many as a request holds. */
async function* batchesOf(lines: AsyncIterable<string>, item: (line: string) => Item): AsyncGenerator<readonly Item[]> {
  let batch: Item[] = []
  let bytes = 0
  for await (const line of lines) {
    const next = item(line)
    if (batch.length === linesPerCall || (batch.length > 0 && bytes + next.message.length > bytesPerCall)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(next)
    bytes += next.message.length
  }
  if (batch.length > 0) yield batch
}

async function single(client: ServiceClient, queue: string, item: Item, json: boolean): Promise<void> {
  const answer = orRefused(await client.call(queueRoutes.produce, () => ({ queue, ...item }), { repeatable: true }))
  if ('message_id' in answer) tell(answer, json)
}

function tell(enqueued: { readonly message_id: string }, json: boolean): void {
  if (json) printJson(enqueued)
  else screen.print(`${enqueued.message_id}\n`)
}
