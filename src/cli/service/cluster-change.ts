import { setTimeout as sleep } from 'node:timers/promises'
import { commonRoutes } from '#api/common/routes.ts'
import { operatorRoutes } from '#api/common/operators.ts'
import type { MembersView } from '#api/common/operators.ts'
import type { AnswerOf } from '#api/route.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { ServiceClient, orRefused } from './service-client.ts'

export const membersOf = async (client: ServiceClient): Promise<MembersView> =>
  orRefused(await client.call(operatorRoutes.members, () => ({})))

/** The same nodes, and all members there are: those that were named may be about to go. */
export function withMembers(client: ServiceClient, { members }: MembersView): ServiceClient {
  const urls = [...new Set([...client.urls, ...members.map(({ address }) => client.urlAt(address))])]
  return new ServiceClient({ urls, timeoutMs: client.timeoutMs, service: client.service, token: client.token, trust: client.trust })
}

export interface Watching {
  /** Told of each look at the cluster. */
  readonly progress: (view: MembersView) => void
  readonly withinMs: number
  readonly signal: AbortSignal
}

/** Looks at the cluster until it is so. */
export async function untilMembers(
  client: ServiceClient,
  isSo: (view: MembersView) => boolean | Promise<boolean>,
  { progress, withinMs, signal }: Watching,
): Promise<MembersView> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const view = await membersOf(client)
    progress(view)
    if (await isSo(view)) return view
    if (performance.now() >= deadline) {
      const left = `${view.moves_left} replicas have to move`
      throw new CommandError(
        exitCodes.busy,
        `not done within ${withinMs} ms, and going on by itself: ${left}; see: lockstep cluster members`,
      )
    }
    await sleep(lookEveryMs, undefined, { signal })
  }
}

/** Whether that member leads that slot by now, as it says itself. */
export async function leadsNow(
  client: ServiceClient,
  { members }: MembersView,
  { slot, to }: { readonly slot: number; readonly to: string },
): Promise<boolean> {
  const member = members.find(({ node_id: id }) => id === to)
  if (member === undefined) return false
  const answer = await client.ask(client.urlAt(member.address), commonRoutes.cluster, {}, client.timeoutMs)
  if (answer.type !== 'answered') return false
  const { slots } = answer.body as AnswerOf<typeof commonRoutes.cluster>
  return slots.some((each) => each.slot === slot && each.role === 'leader')
}

const lookEveryMs = 250
