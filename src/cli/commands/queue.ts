import { queueApiLimits as limits } from '#api/queues/limits.ts'
import type { PutQueueRequest } from '#api/queues/queues.ts'
import { queueRoutes as routes } from '#api/queues/routes.ts'
import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import type { ValuesOf } from '#cli/flags/flag.ts'
import { choice, duration, integer, text, toggle } from '#cli/flags/kinds.ts'
import type { Peeked } from '#api/queues/messages.ts'
import { messagesTable, queueText } from '#cli/output/queue-views.ts'
import { errorScreen, printJson, screen } from '#cli/output/terminal.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { messagesIn } from '#cli/service/queue-messages.ts'
import { orRefused } from '#cli/service/service-client.ts'
import { queueClientOf, queueServiceFlags } from '#cli/service/service-flags.ts'
import { checkQueue, visibility } from './queue-flags.ts'

const help = `Verbs:
  show      counts and settings
  create    makes it, with the settings that are given; refused when it is there
  set       changes the settings that are given; refused when it is not there
  pause     delivers nothing until 'resume'; messages are taken
  resume    delivers again
  purge     drops all messages; with --dead the dead too
  redrive   gives dead letters another chance; with --stop ends that
  peek      prints messages without receiving them
  delete    with all its messages

Examples:
  lockstep queue create orders --partitions 4 --dead-letter-queue orders-dead
  lockstep queue set orders --visibility 2m --max-failures 5
  lockstep queue redrive orders --rate 100
  lockstep queue peek orders --state dead --limit 20

Exit codes: 0, 1 refused (no such queue, say), 69 no node answered: a change may have been carried out`

const verbs = ['show', 'create', 'set', 'pause', 'resume', 'purge', 'redrive', 'peek', 'delete'] as const
type Verb = (typeof verbs)[number]

const anyTime = { min: 0, max: limits.durationMsMax }
const settingFlags = {
  partitions: integer('N', 'create: how many; fixed for life; 1', { min: 1, max: limits.partitionsMax }),
  visibility: visibility('for how long nobody else gets what was delivered'),
  'max-failures': integer('N', 'what has failed so often is dead; 0 is never', { min: 0, max: limits.maxFailuresMax }),
  'dead-letter-queue': text('NAME', 'where the dead are moved to'),
  'max-length': integer('N', 'messages of each partition', { min: 1, max: limits.maxLengthMax }),
  overflow: choice('WHAT', 'what a full partition does: reject or drop-head', ['unchanged', 'reject', 'drop-head']),
  ttl: duration('DURATION', 'what is not delivered for so long is dropped', { min: 1, max: limits.durationMsMax }),
  'dedupe-window': duration('DURATION', 'how long a dedupe id is remembered', anyTime),
  'retry-delay': duration('DURATION', 'before what failed comes again, at first', anyTime),
  'retry-max': duration('DURATION', 'and at most', anyTime),
} as const

const flags = {
  ...settingFlags,
  dead: toggle('purge: the dead too'),
  rate: integer('N', 'redrive: messages per second; as fast as it goes', { min: 1, max: limits.redriveRateMax }),
  max: integer('N', 'redrive: up to so many; all', { min: 1, max: Number.MAX_SAFE_INTEGER }),
  stop: toggle('redrive: ends the one that runs'),
  state: choice('STATE', 'peek: ready, in-flight, dead or scheduled; ready', ['ready', 'in-flight', 'dead', 'scheduled']),
  limit: integer('N', 'peek: how many; 10', { min: 1, max: limits.messagesPageMax }),
  ...queueServiceFlags,
} as const
type Values = ValuesOf<typeof flags>

/** Flags that only some verbs have. */
const ofVerbs: Readonly<Record<string, readonly Verb[]>> = {
  ...Object.fromEntries(Object.keys(settingFlags).map((name) => [name, ['create', 'set']])),
  dead: ['purge'],
  rate: ['redrive'],
  max: ['redrive'],
  stop: ['redrive'],
  state: ['peek'],
  limit: ['peek'],
}
/** What a choice says when it is not given. */
const defaults: ReadonlySet<unknown> = new Set([undefined, false, 'ready', 'unchanged'])

export const queueCommand: Command = defineCommand({
  name: 'queue',
  summary: 'show, make, change or empty one queue',
  operands: 'VERB NAME',
  words: verbs,
  help,
  flags,
  read(values, [given = '', name = '', ...more], mistakes) {
    const verb = verbs.find((each) => each === given)
    if (verb === undefined) mistakes.push(`the VERB must be one of ${verbs.join(', ')}`)
    if (name === '') mistakes.push('the NAME of the queue must be given')
    checkQueue(name, mistakes)
    noOperands(more, mistakes)
    for (const [flag, allowed] of Object.entries(ofVerbs)) {
      const isGiven = !defaults.has(values[flag as keyof Values])
      if (isGiven && verb !== undefined && !allowed.includes(verb)) mistakes.push(`--${flag} is not for ${verb}`)
    }
    if (verb === 'set' && values.partitions !== undefined) mistakes.push('--partitions is fixed when the queue is created')
    return { values, verb: verb ?? 'show', name }
  },
  async run({ values, verb, name }) {
    const { answer, text: words } = await act(queueClientOf(values), verb, name, values)
    if (values.json) printJson(answer)
    else if (words !== '') screen.print(words)
    return exitCodes.done
  },
})

interface Outcome {
  readonly answer: unknown
  /** For people. */
  readonly text: string
}

async function act(client: ServiceClient, verb: Verb, queue: string, values: Values): Promise<Outcome> {
  switch (verb) {
    case 'show': {
      const detail = orRefused(await client.call(routes.queue, () => ({ queue })))
      return { answer: detail, text: queueText(detail, screen) }
    }
    case 'create':
      return put(client, { queue, if_revision: 0, ...changeOf(values) })
    case 'set':
      return change(client, queue, changeOf(values))
    case 'pause':
      return change(client, queue, { paused: true })
    case 'resume':
      return change(client, queue, { paused: false })
    case 'purge': {
      const purged = orRefused(await client.call(routes.purge, () => ({ queue, dead: values.dead })))
      return { answer: purged, text: `${purged.count}\n` }
    }
    case 'redrive':
      return redrive(client, queue, values)
    case 'peek':
      return peek(client, queue, values)
    case 'delete':
      return { answer: orRefused(await client.call(routes.deleteQueue, () => ({ queue }))), text: '' }
  }
}

async function put(client: ServiceClient, request: PutQueueRequest & { readonly queue: string }): Promise<Outcome> {
  // With a revision a second attempt would meet what the first one made.
  return { answer: orRefused(await client.call(routes.putQueue, () => request, { repeatable: false })), text: '' }
}

/** Of a queue that is there. */
async function change(client: ServiceClient, queue: string, settings: PutQueueRequest): Promise<Outcome> {
  const { revision } = orRefused(await client.call(routes.queue, () => ({ queue })))
  return put(client, { queue, if_revision: revision, ...settings })
}

async function redrive(client: ServiceClient, queue: string, { rate, max, stop }: Values): Promise<Outcome> {
  const terms = { queue, ...(rate === undefined ? {} : { rate }), ...(max === undefined ? {} : { max }) }
  const moved = stop
    ? orRefused(await client.call(routes.cancelRedrive, () => ({ queue })))
    : orRefused(await client.call(routes.redrive, () => terms))
  if (moved.status === 'started') errorScreen.print(`goes on by itself: lockstep queue show ${JSON.stringify(queue)}\n`)
  return { answer: moved, text: `${moved.moved}\n` }
}

async function peek(client: ServiceClient, queue: string, { state, limit }: Values): Promise<Outcome> {
  const page = { queue, ...(limit === undefined ? {} : { limit }) }
  const peeked =
    state === 'scheduled'
      ? orRefused(await client.callForText(routes.scheduled, () => page))
      : orRefused(await client.callForText(routes.peek, () => ({ ...page, state })))
  const { messages } = peeked.body as Peeked
  return { answer: peeked.body, text: messagesTable(messagesIn({ messages }, peeked.text), screen) }
}

function changeOf(values: Values): PutQueueRequest {
  const { partitions, overflow, 'retry-delay': delay, 'retry-max': most } = values
  const retry = given({ delay_ms: delay, max_ms: most })
  return given({
    partitions,
    visibility_ms: values.visibility,
    max_failures: values['max-failures'],
    dead_letter_queue: values['dead-letter-queue'],
    max_length: values['max-length'],
    overflow: overflow === 'unchanged' ? undefined : overflow,
    ttl_ms: values.ttl,
    dedupe_window_ms: values['dedupe-window'],
    retry: Object.keys(retry).length === 0 ? undefined : retry,
  })
}

const given = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> }
