import { ok } from '#base/result.ts'
import type { ConsumeMany } from '#api/queues/consume.ts'
import { queueDefaults as defaults } from '#api/queues/limits.ts'
import type { ProduceMany, ProduceRequest } from '#api/queues/produce.ts'
import type { QueueApi } from '#api/queues/queue-api.ts'
import { queueRoutes as routes } from '#api/queues/routes.ts'
import { faultOfCancel, faultOfNack, faultOfProduce, faultOfWhich } from '#api/queues/rules.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { asking } from './asking.ts'
import type { BoundRoute } from './bound-route.ts'
import { bindCall } from './bound-route.ts'
import { consumeStream } from './consume-stream.ts'
import type { HttpLimits } from './limits.ts'
import { all, consumed, named, only, receiptsOf, refsOf } from './queue-answers.ts'
import { writeRawJson as write } from './raw-json.ts'
import { traced } from './trace-context.ts'

/** The calls of the queue service. `api` gives null while the node starts. */
export function queueRoutes(api: () => QueueApi | null, limits: Partial<Pick<HttpLimits, 'heartbeatMs'>> = {}): readonly BoundRoute[] {
  return [...carrying(api), { route: routes.consumeStream, serve: consumeStream(api, limits) }, ...settling(api), ...keeping(api)]
}

function carrying(api: () => QueueApi | null): readonly BoundRoute[] {
  const ask = asking(api)
  return [
    bindCall(
      routes.produce,
      async (request, call) => {
        const outcome = await ask((queues) => queues.produce(manyOf(request, call.trace ?? null), call))
        if (!outcome.ok) return outcome
        const { queue } = request
        if (request.messages !== undefined) {
          const { status, results } = all('enqueued', outcome.value, routes.produce)
          return ok({ status, queue, results })
        }
        const result = only(outcome.value)
        if (!result.ok) return result
        const { status, message_id, ...rest } = result.value
        return ok({ status, message_id, queue, ...rest })
      },
      { rules: faultOfProduce },
    ),
    bindCall(
      routes.consume,
      async (request, call) => {
        const outcome = await ask((queues) => queues.consume(demandOf(request), call))
        return outcome.ok ? ok(consumed(request, outcome.value)) : outcome
      },
      { write, onUnsent: (answer) => api()?.undelivered(receiptsOf(answer)) },
    ),
  ]
}

function manyOf({ queue, producer, messages, message, ...terms }: ProduceRequest, trace: string | null): ProduceMany {
  // The rules have seen that one of the two is there.
  const one = (): ProduceMany['messages'] => [{ message: message as JsonBytes, ...terms }]
  const given = messages ?? one()
  return {
    queue,
    messages: trace === null ? given : given.map((each) => traced(each, trace)),
    ...(producer === undefined ? {} : { producer }),
  }
}

const demandOf = ({ max = 1, wait_ms = 0, ...rest }: Partial<ConsumeMany> & Pick<ConsumeMany, 'queue' | 'consumer_id'>): ConsumeMany => ({
  ...rest,
  max,
  wait_ms,
})

function settling(api: () => QueueApi | null): readonly BoundRoute[] {
  const ask = asking(api)
  return [
    bindCall(
      routes.ack,
      async (request, call) => {
        const { refs, isList } = refsOf(request)
        const outcome = await ask((queues) => queues.ack({ refs }, call))
        if (!outcome.ok) return outcome
        if (!isList) {
          const result = only(outcome.value)
          return result.ok ? ok({ status: result.value.status }) : result
        }
        const { status, results } = all('acknowledged', outcome.value, routes.ack)
        return ok({ status, results: named(results, idsOf(refs)) })
      },
      { rules: faultOfWhich },
    ),
    bindCall(
      routes.nack,
      async (request, call) => {
        const { refs, isList } = refsOf(request)
        const { kind = defaults.nack_kind, delay_ms = null } = request
        const outcome = await ask((queues) => queues.nack({ refs, kind, delay_ms }, call))
        if (!outcome.ok) return outcome
        if (!isList) return only(outcome.value)
        const { status, results } = all('returned', outcome.value, routes.nack)
        return ok({ status, results: named(results, idsOf(refs)) })
      },
      { rules: faultOfNack },
    ),
    bindCall(
      routes.extend,
      async (request, call) => {
        const { refs, isList } = refsOf(request)
        const outcome = await ask((queues) => queues.extend({ refs, visibility_ms: request.visibility_ms }, call))
        if (!outcome.ok) return outcome
        if (!isList) return only(outcome.value)
        const { status, results } = all('extended', outcome.value, routes.extend)
        return ok({ status, results: named(results, idsOf(refs)) })
      },
      { rules: faultOfWhich },
    ),
    bindCall(
      routes.cancel,
      async ({ message_id: id = '', message_ids: list }, call) => {
        const ids = list ?? [id]
        const outcome = await ask((queues) => queues.cancel({ message_ids: ids }, call))
        if (!outcome.ok) return outcome
        if (list === undefined) return only(outcome.value)
        const { status, results } = all('cancelled', outcome.value, routes.cancel)
        return ok({ status, results: named(results, ids) })
      },
      { rules: faultOfCancel },
    ),
  ]
}

const idsOf = (refs: readonly { readonly message_id: string }[]): readonly string[] => refs.map(({ message_id: id }) => id)

function keeping(api: () => QueueApi | null): readonly BoundRoute[] {
  const ask = asking(api)
  return [
    bindCall(routes.putQueue, (request, call) => ask((queues) => queues.putQueue(request, call)), {
      statusOf: ({ status }) => (status === 'created' ? 201 : 200),
    }),
    bindCall(routes.deleteQueue, (request, call) => ask((queues) => queues.deleteQueue(request, call))),
    bindCall(routes.purge, (request, call) => ask((queues) => queues.purge(request, call))),
    bindCall(routes.redrive, (request, call) => ask((queues) => queues.redrive(request, call))),
    bindCall(routes.cancelRedrive, (request, call) => ask((queues) => queues.cancelRedrive(request, call))),
    bindCall(routes.queues, (request, call) => ask((queues) => queues.queues(request, call))),
    bindCall(routes.queue, (request, call) => ask((queues) => queues.queue(request, call))),
    bindCall(routes.peek, (request, call) => ask((queues) => queues.peek(request, call)), { write }),
    bindCall(routes.scheduled, (request, call) => ask((queues) => queues.scheduled(request, call)), { write }),
    bindCall(routes.status, (request, call) => ask((queues) => queues.status(request, call))),
  ]
}
