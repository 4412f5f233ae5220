import { queueApiLimits } from '#api/queues/limits.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import type { QueuesView } from '#api/queues/queues.ts'
import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { integer, text, withDefault } from '#cli/flags/kinds.ts'
import { queuesTable } from '#cli/output/queue-views.ts'
import { errorScreen, printJson, screen } from '#cli/output/terminal.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { orRefused } from '#cli/service/service-client.ts'
import { queueClientOf, queueServiceFlags } from '#cli/service/service-flags.ts'

const help = `All queues by name: on a terminal as a table; elsewhere one queue to a line, with tabs between name, ready, in flight, delayed,
dead, the age of the oldest message, and consumers. For one of them: lockstep queue show NAME

Examples:
  lockstep queues
  lockstep queues --prefix orders/ --json | jq '.queues[].queue'

Exit codes: 0, 69 no node answered`

export const queuesCommand: Command = defineCommand({
  name: 'queues',
  summary: 'list queues',
  operands: '',
  help,
  flags: {
    prefix: text('PREFIX', 'only those whose name begins so'),
    limit: withDefault(integer('N', 'how many at most; 100', { min: 1, max: 1_000_000 }), 100),
    after: text('NAME', 'go on behind this one'),
    ...queueServiceFlags,
  },
  read({ prefix = '', after, ...values }, operands, mistakes) {
    noOperands(operands, mistakes)
    return { ...values, prefix, after }
  },
  async run({ prefix, after, limit, json, ...service }) {
    const view = await listed(queueClientOf(service), { prefix, after }, limit)
    if (json) printJson(view)
    else if (screen.isTerminal && view.queues.length === 0) screen.print('no queues\n')
    else screen.print(queuesTable(view.queues, screen))
    if (!json && view.next !== null) {
      errorScreen.print(`more follow: lockstep queues --after ${JSON.stringify(view.next)}, or a larger --limit\n`)
    }
    if (view.missing_slots.length > 0) errorScreen.print(`not counted, for nobody leads them: slots ${view.missing_slots.join(', ')}\n`)
    return exitCodes.done
  },
})

/** As many pages as it takes. */
async function listed(
  client: ServiceClient,
  { prefix, after }: { readonly prefix: string; readonly after: string | undefined },
  limit: number,
): Promise<QueuesView> {
  const page = async (from: string | undefined, left: number): Promise<QueuesView> => {
    const filter = { ...(prefix === '' ? {} : { prefix }), ...(from === undefined ? {} : { after: from }) }
    return orRefused(await client.call(queueRoutes.queues, () => ({ ...filter, limit: Math.min(left, queueApiLimits.pageMax) })))
  }
  let view = await page(after, limit)
  while (view.next !== null && view.queues.length < limit) {
    const more = await page(view.next, limit - view.queues.length)
    view = {
      ...more,
      queues: [...view.queues, ...more.queues],
      missing_slots: [...new Set([...view.missing_slots, ...more.missing_slots])],
    }
  }
  return view
}
