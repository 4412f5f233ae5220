import { setTimeout as sleep } from 'node:timers/promises'
import { cacheRoutes as routes } from '#api/cache/routes.ts'
import type { BusEvent } from '#api/cache/events.ts'
import { busLine } from '#cli/output/cache-views.ts'
import { errorScreen, screen } from '#cli/output/terminal.ts'
import { followNode } from '#cli/service/node-events.ts'
import { httpRequestOf } from '#cli/service/route-request.ts'
import type { ServerEvent } from '#base/event-parser.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { counted } from './counted.ts'
import { membersOf } from './members.ts'
import type { Member } from './members.ts'

interface Following {
  readonly prefix: string | undefined
  readonly node: string | undefined
  readonly max: number | undefined
  readonly json: boolean
}

/** Before a node that does not answer is asked again. */
const restMs = 1_000

/** Follows all nodes of the cluster at one time. */
export async function bus(client: ServiceClient, { prefix = '', node, max, json }: Following): Promise<number> {
  const members = await membersOf(client, node)
  const names = new Set(members.map(({ name }) => name))
  return counted(max, async (signal, count) => {
    const onEvent = (event: BusEvent): void => {
      if (signal.aborted || !event.key.startsWith(prefix) || !isTold(event, names)) return
      screen.print(json ? `${JSON.stringify(event)}\n` : busLine(event, screen))
      count()
    }
    await Promise.all(members.map((member) => followed(member, { client, signal, onEvent })))
  })
}

/** Once: by who sent it, who knows best what it is, and by who received it only if nobody is asked there. */
export const isTold = ({ seen, from }: Pick<BusEvent, 'seen' | 'from'>, asked: ReadonlySet<string>): boolean =>
  seen === 'sent' || !asked.has(from)

interface Asking {
  readonly client: ServiceClient
  readonly signal: AbortSignal
  readonly onEvent: (event: BusEvent) => void
}

async function followed({ name, url }: Member, { client, signal, onEvent }: Asking): Promise<void> {
  const request = httpRequestOf(routes.bus, {})
  const hear = ({ type, data }: ServerEvent): void => {
    if (type === 'bus') onEvent(JSON.parse(data) as BusEvent)
    else if (type === 'missed') errorScreen.print(`${(JSON.parse(data) as { readonly count: number }).count} of ${name} were missed\n`)
  }
  let told = ''
  for (;;) {
    const end = await followNode(url, request, {
      limitMs: client.timeoutMs,
      signal,
      token: client.token,
      trust: client.trust,
      onEvent: hear,
    })
    signal.throwIfAborted()
    const problem = end.type === 'silent' ? end.problem : end.type === 'refused' ? end.refusal.message : ''
    if (problem !== told) errorScreen.print(`${name} is not heard: ${problem}\n`)
    told = problem
    await sleep(restMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}
