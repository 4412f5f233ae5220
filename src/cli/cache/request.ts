import { randomUUID } from 'node:crypto'
import type { AnswerOf, RequestOf, Route } from '#api/route.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { orRefused } from '#cli/service/service-client.ts'

/** An id is remembered for a minute; from half of that on nobody takes for new what may have been carried out. */
const rememberedMs = 30_000

interface Identity {
  readonly operation_id: string
  readonly retry?: true
}

/** A change under an id of its own, so what had no answer is sent again and carried out once. */
export async function changed<R extends Route>(
  client: ServiceClient,
  route: R,
  request: (identity: Identity) => RequestOf<R>,
): Promise<AnswerOf<R>> {
  const id = randomUUID()
  const begun = performance.now()
  const identity = (): Identity => ({
    operation_id: id,
    ...(performance.now() - begun < rememberedMs ? {} : { retry: true as const }),
  })
  return orRefused(await client.call(route, () => request(identity()), { repeatable: true }))
}
