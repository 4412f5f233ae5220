import type { CacheApi, Watched } from '#api/cache/cache-api.ts'
import type { KeyPath } from '#api/cache/lines.ts'
import { cacheApiLimits } from '#api/cache/limits.ts'
import { overloaded, unavailable } from '#api/common/faults.ts'
import type { BoundRoute } from './bound-route.ts'
import { sendFault } from './faults.ts'
import type { HttpLimits } from './limits.ts'
import { httpLimits } from './limits.ts'
import { writeRawJson } from './raw-json.ts'

/**
 * `GET /watch/{key}`. A reader that is slow is told the newest value when it can take one again: what was in between nobody needs any more, so a
 * stream never holds more than one.
 */
export function watchStream(
  api: () => CacheApi | null,
  { heartbeatMs = httpLimits.heartbeatMs }: Partial<Pick<HttpLimits, 'heartbeatMs'>>,
): BoundRoute['serve'] {
  let open = 0
  return (request, reply, call) => {
    const cache = api()
    if (cache === null) return sendFault(reply, unavailable('this node is starting'))
    if (open >= cacheApiLimits.watchesMax) return sendFault(reply, overloaded(`as many keys are watched as may be, ${open}`, 5_000))
    open++
    reply.hijack()
    const response = reply.raw
    response.writeHead(200, {
      'x-request-id': request.id,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    response.flushHeaders()
    // Nobody is told of what fails when the reader is gone: the response closes then.
    response.on('error', () => {})
    let waiting: Watched | null = null
    const send = (value: Watched): void => {
      if (response.writableEnded) return
      if (response.writableNeedDrain) waiting = value
      else response.write(eventText(writeRawJson(value)))
    }
    response.on('drain', () => {
      const newest = waiting
      waiting = null
      if (newest !== null) send(newest)
    })
    const heartbeat = setInterval(() => {
      if (!response.writableNeedDrain && !response.writableEnded) response.write(': alive\n\n')
    }, heartbeatMs).unref()
    const stop = cache.watch((request.params as KeyPath).key, send)
    response.once('close', () => {
      open--
      clearInterval(heartbeat)
      stop()
    })
    call.signal.addEventListener('abort', () => response.end())
    return reply
  }
}

/** A value may have line breaks between its tokens, and each line of an event has its own field. */
const eventText = (text: string): string => `event: value\ndata: ${text.replaceAll(/\r\n|\r|\n/g, '\ndata: ')}\n\n`
