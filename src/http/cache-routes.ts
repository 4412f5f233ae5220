import type { CacheApi } from '#api/cache/cache-api.ts'
import { cacheRoutes as routes } from '#api/cache/routes.ts'
import { faultOfBatch, faultOfIncrement, faultOfWrite } from '#api/cache/rules.ts'
import { overloaded, unavailable } from '#api/common/faults.ts'
import { asking } from './asking.ts'
import type { BoundRoute } from './bound-route.ts'
import { bindCall } from './bound-route.ts'
import { batch } from './cache-answers.ts'
import { EventStreams } from './event-streams.ts'
import { sendFault } from './faults.ts'
import type { HttpLimits } from './limits.ts'
import { httpLimits } from './limits.ts'
import { writeRawJson as write } from './raw-json.ts'
import { watchStream } from './watch-stream.ts'

/** `api` gives null while the node starts. */
interface CacheRoutesOptions {
  readonly api: () => CacheApi | null
  /** Its name. */
  readonly node: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly limits?: Partial<HttpLimits>
}

/** The calls of the cache service. */
export function cacheRoutes(options: CacheRoutesOptions): readonly BoundRoute[] {
  const { api, limits = {} } = options
  const ask = asking(api)
  return [
    bindCall(routes.read, (request, call) => ask((cache) => cache.read(request, call)), {
      statusOf: ({ found }) => (found ? 200 : 404),
      write,
    }),
    bindCall(routes.write, (request, call) => ask((cache) => cache.write(request, call)), { rules: faultOfWrite }),
    bindCall(routes.remove, (request, call) => ask((cache) => cache.delete(request, call))),
    bindCall(routes.delete, (request, call) => ask((cache) => cache.delete(request, call))),
    bindCall(routes.increment, (request, call) => ask((cache) => cache.increment(request, call)), { rules: faultOfIncrement }),
    bindCall(routes.batch, (request, call) => ask((cache) => batch(cache, request, call)), { rules: faultOfBatch, write }),
    { route: routes.watch, serve: watchStream(api, limits) },
    bindCall(routes.status, (request, call) => ask((cache) => cache.status(request, call))),
    { route: routes.bus, serve: busStream(options) },
  ]
}

function busStream({ api, node, now, limits = {} }: CacheRoutesOptions): BoundRoute['serve'] {
  const streams = new EventStreams({ limits: { ...httpLimits, ...limits }, now })
  return (request, reply, call) => {
    const cache = api()
    if (cache === null) return sendFault(reply, unavailable('this node is starting'))
    if (streams.isFull) return sendFault(reply, overloaded(`as many streams of events are open as may be, ${streams.size}`, 5_000))
    reply.hijack()
    streams.open(reply.raw, cache.bus, { node, headers: { 'x-request-id': request.id } })
    call.signal.addEventListener('abort', () => reply.raw.end())
    return reply
  }
}
