import { lockApiLimits } from '#api/locks/limits.ts'
import { lockRoutes } from '#api/locks/routes.ts'
import type { LockDetail, LocksQuery, LocksView } from '#api/locks/views.ts'
import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { integer, text, toggle, withDefault } from '#cli/flags/kinds.ts'
import { lockDetailText, locksTable } from '#cli/output/lock-views.ts'
import { errorScreen, printJson, screen } from '#cli/output/terminal.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { orRefused } from '#cli/service/service-client.ts'
import { clientOf, serviceFlags } from '#cli/service/service-flags.ts'
import { checkName } from './lock-flags.ts'

const help = `Without a NAME: all locks that are held, waited for or closed, by name. On a terminal as a table; elsewhere one lock to a line, with
tabs between name, mode, holders, tokens, the end of the lease, and how many wait. With a NAME: that lock, and who waits in which order.

Examples:
  lockstep locks
  lockstep locks --prefix orders/ --limit 1000
  lockstep locks db_table
  lockstep locks --json | jq '.locks[].resource_id'

Exit codes: 0, 69 no node answered`

export const locksCommand: Command = defineCommand({
  name: 'locks',
  summary: 'list locks, or show one',
  operands: '[NAME]',
  help,
  flags: {
    prefix: text('PREFIX', 'only those whose name begins so'),
    limit: withDefault(integer('N', 'how many at most; 100', { min: 1, max: 1_000_000 }), 100),
    after: text('NAME', 'go on behind this one'),
    local: toggle('what the node knows, which may be old; answers without a leader too'),
    ...serviceFlags,
  },
  read({ prefix, after, ...values }, [name = '', ...more], mistakes) {
    noOperands(more, mistakes)
    for (const given of [name, prefix ?? '', after ?? '']) checkName(given, mistakes)
    if (name !== '' && (prefix !== undefined || after !== undefined)) mistakes.push('--prefix and --after are for a list, not for one NAME')
    return { ...values, name, filter: { ...(prefix === undefined ? {} : { prefix }), ...(after === undefined ? {} : { after }) } }
  },
  async run({ name, filter, limit, local, json, ...service }) {
    const client = clientOf(service)
    const consistency = local ? ('local' as const) : ('linearizable' as const)
    if (name === '') {
      const view = await listed(client, { ...filter, consistency }, limit)
      if (json) printJson(view)
      else showList(view)
    } else {
      const detail = await one(client, name, consistency)
      if (json) printJson(detail)
      else screen.print(lockDetailText(detail, Date.now(), screen))
    }
    return exitCodes.done
  },
})

type Filter = Omit<LocksQuery, 'limit'>

/** As many pages as it takes. */
async function listed(client: ServiceClient, filter: Filter, limit: number): Promise<LocksView> {
  const page = async (after: string | undefined, left: number): Promise<LocksView> => {
    const request = { ...filter, ...(after === undefined ? {} : { after }), limit: Math.min(left, lockApiLimits.pageMax) }
    return orRefused(await client.call(lockRoutes.locks, () => request))
  }
  let view = await page(filter.after, limit)
  while (view.next !== null && view.locks.length < limit) {
    const more = await page(view.next, limit - view.locks.length)
    view = { ...more, locks: [...view.locks, ...more.locks] }
  }
  return view
}

function showList(view: LocksView): void {
  if (screen.isTerminal && view.locks.length === 0) screen.print('no locks\n')
  else screen.print(locksTable(view.locks, Date.now(), screen))
  if (view.next !== null) errorScreen.print(`more follow: lockstep locks --after ${JSON.stringify(view.next)}, or a larger --limit\n`)
}

/** No url keeps a path of dots, so these are looked for in the list. */
async function one(client: ServiceClient, name: string, consistency: 'linearizable' | 'local'): Promise<LockDetail> {
  if (name !== '.' && name !== '..') return orRefused(await client.call(lockRoutes.lock, () => ({ resource_id: name, consistency })))
  const { locks, next: _next, ...standing } = await listed(client, { prefix: name, consistency }, 1)
  const none = { resource_id: name, holders: [], holder_count: 0, waiters: [], waiter_count: 0, closed_until: null }
  return { ...standing, ...(locks.find(({ resource_id: found }) => found === name) ?? none) }
}
