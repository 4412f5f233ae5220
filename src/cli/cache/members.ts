import { commonRoutes } from '#api/common/routes.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { orRefused } from '#cli/service/service-client.ts'

export interface Member {
  readonly name: string
  readonly url: string
}

/** The nodes of the cluster that the given ones belong to, by name; `only` one of them, if it is said. */
export async function membersOf(client: ServiceClient, only: string | undefined): Promise<readonly Member[]> {
  const { members } = orRefused(await client.call(commonRoutes.cluster, () => ({})))
  const all = members.map(({ node_id: name, address }) => ({ name, url: client.urlAt(address) }))
  const found = all.filter(({ name }) => only === undefined || name === only).sort((left, right) => (left.name < right.name ? -1 : 1))
  if (found.length > 0) return found
  throw new CommandError(exitCodes.usage, `--node must be one of ${all.map(({ name }) => name).join(', ')}; it is ${JSON.stringify(only)}`)
}
