import { operatorRoutes as routes } from '#api/common/operators.ts'
import type { MembersView } from '#api/common/operators.ts'
import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import type { ValuesOf } from '#cli/flags/flag.ts'
import { duration, integer, text, toggle, withDefault } from '#cli/flags/kinds.ts'
import { interruptible } from '#cli/interrupts.ts'
import { membersText } from '#cli/output/members-view.ts'
import { errorScreen, printJson, screen } from '#cli/output/terminal.ts'
import { leadsNow, membersOf, untilMembers, withMembers } from '#cli/service/cluster-change.ts'
import type { Watching } from '#cli/service/cluster-change.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { orRefused } from '#cli/service/service-client.ts'
import { oneClientOf, oneServiceFlags } from '#cli/service/service-flags.ts'

const help = `members     who is in the cluster, in which state and since when, for how long it was silent, and what it has
join        waits until the node NAME, which you have started with 'lockstep node --seeds', is a member and has its share
leave       the node NAME hands over what it has to the others, and its process ends
remove      a dead node NAME is removed for good; --force: one that is silent and not taken for dead yet
transfer    leadership of --slot, or of all that the node --from leads, goes to the node --to, or to whoever leads least
rebalance   leaders are chosen by the cluster again

All but members and rebalance wait until it is done, and show how far it is on a terminal. Ctrl-C ends the wait and nothing else.

Examples:
  lockstep cluster members
  lockstep cluster leave lock-node-4
  lockstep cluster transfer --service queue --from queue-node-2

Exit codes: 0 done, 1 refused, 69 no node answered or there is no leader, 75 not done within --wait: it goes on by itself`

const verbs = ['members', 'join', 'leave', 'remove', 'transfer', 'rebalance'] as const
type Verb = (typeof verbs)[number]
const named: readonly Verb[] = ['join', 'leave', 'remove']

const flags = {
  slot: integer('N', 'transfer: of this slot', { min: 1, max: 65_535 }),
  from: text('NAME', 'transfer: of all that this node leads'),
  to: text('NAME', 'transfer: to this node'),
  force: toggle('remove: also one that is not taken for dead yet'),
  wait: withDefault(duration('DURATION', 'how long to wait until it is done; 10m; 0 does not wait', { min: 0, max: 86_400_000 }), 600_000),
  ...oneServiceFlags,
} as const
type Values = ValuesOf<typeof flags>

interface Options {
  readonly verb: Verb
  readonly node: string
  readonly values: Values
  readonly client: ServiceClient
}

export const clusterCommand: Command = defineCommand({
  name: 'cluster',
  summary: 'show members; let nodes join, leave, hand over',
  operands: 'VERB [NAME]',
  words: verbs,
  help,
  flags,
  read(values, operands, mistakes): Options {
    const [verb = '', ...rest] = operands
    const known = verbs.find((each) => each === verb)
    if (known === undefined) mistakes.push(`the VERB must be one of ${verbs.join(', ')}`)
    const [node = ''] = rest
    const isNamed = known !== undefined && named.includes(known)
    if (isNamed && node === '') mistakes.push('the NAME of the node must be given')
    noOperands(rest.slice(isNamed ? 1 : 0), mistakes)
    checkFlags(known ?? 'members', values, mistakes)
    return { verb: known ?? 'members', node, values, client: oneClientOf(values, mistakes) }
  },
  run: (options) => run(options),
})

function checkFlags(verb: Verb, { slot, from, to, force }: Values, mistakes: string[]): void {
  if (verb !== 'transfer')
    for (const [name, value] of Object.entries({ slot, from, to })) if (value !== undefined) mistakes.push(`--${name} is for transfer`)
  if (verb !== 'remove' && force) mistakes.push('--force is for remove')
  if (verb === 'transfer' && (slot === undefined) === (from === undefined)) mistakes.push('transfer takes either --slot or --from')
}

async function run({ verb, node, values, client }: Options): Promise<number> {
  if (verb === 'members') {
    const view = await membersOf(client)
    if (values.json) printJson(view)
    else screen.print(membersText(view, screen, Date.now()))
    return exitCodes.done
  }
  const before = await membersOf(client)
  const wide = withMembers(client, before)
  const { answer, isDone } = await change(wide, { verb, node, values })
  // To join is nothing but to look; all else was said by the answer.
  if (isDone !== null && (values.wait > 0 || verb === 'join')) await watched(wide, isDone, values.wait)
  if (values.json) printJson(answer)
  return exitCodes.done
}

interface Change {
  readonly answer: unknown
  /** Null for what need not be waited for. */
  readonly isDone: ((view: MembersView) => boolean | Promise<boolean>) | null
}

async function change(client: ServiceClient, { verb, node, values }: Omit<Options, 'client'>): Promise<Change> {
  const isAtRest = ({ moves_left: left }: MembersView): boolean => left === 0
  const stateOf = ({ members }: MembersView): string | undefined => members.find(({ node_id: id }) => id === node)?.state
  switch (verb) {
    case 'leave': {
      const answer = orRefused(await client.call(routes.leave, () => ({ node_id: node }), { repeatable: true }))
      return { answer, isDone: (view) => stateOf(view) === undefined && isAtRest(view) }
    }
    case 'remove': {
      const answer = orRefused(await client.call(routes.remove, () => ({ node_id: node, force: values.force })))
      return { answer, isDone: isAtRest }
    }
    case 'transfer': {
      const { slot, from, to } = values
      const what = slot === undefined ? { from: from ?? '' } : { slot }
      const repeatable = slot === undefined || to !== undefined
      const answer = orRefused(await client.call(routes.transfer, () => ({ ...what, ...(to === undefined ? {} : { to }) }), { repeatable }))
      if (answer.skipped.length > 0) errorScreen.print(`nobody who was asked for can lead slots ${answer.skipped.join(', ')}\n`)
      return { answer, isDone: (view) => allOf(answer.leaders, (leader) => leadsNow(client, view, leader)) }
    }
    case 'rebalance':
      return { answer: orRefused(await client.call(routes.rebalance, () => ({}))), isDone: null }
    case 'join':
    case 'members':
      return { answer: { status: 'joined', node_id: node }, isDone: (view) => stateOf(view) === 'active' && isAtRest(view) }
  }
}

async function allOf<T>(items: readonly T[], isSo: (item: T) => Promise<boolean>): Promise<boolean> {
  for (const item of items) if (!(await isSo(item))) return false
  return true
}

/** On a terminal one line says how far it is. */
async function watched(client: ServiceClient, isDone: NonNullable<Change['isDone']>, withinMs: number): Promise<void> {
  const line = (said: string): void => {
    if (errorScreen.isTerminal) errorScreen.print(`\r\u001b[K${said}`)
  }
  const progress: Watching['progress'] = ({ moves_left: left, moves }) => {
    line(`${left} replicas have to move${moves.length === 0 ? '' : `, ${moves.length} under way`}`)
  }
  try {
    await interruptible((signal) => untilMembers(client, isDone, { progress, withinMs, signal }))
  } finally {
    line('')
  }
}
