import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Result } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import type { Fault } from '#api/errors.ts'
import { ApiError } from '#api/errors.ts'
import type { AnswerOf, RequestOf, Route } from '#api/route.ts'
import { hasFields } from '#api/route.ts'
import { sendFault } from './faults.ts'

/** A route, and what answers it. */
export interface BoundRoute {
  readonly route: Route
  /** Sends the answer, or returns it. */
  readonly serve: (request: FastifyRequest, reply: FastifyReply, call: Call) => unknown
}

interface CallOptions<Request, Value> {
  /** What the schemas cannot say. */
  readonly rules?: (request: Request) => Fault | null
  /** The status of an answer, of a route that has several. */
  readonly statusOf?: (answer: Value) => number
}

/** A call that a service answers with JSON: it may end only as its route says. */
export function bindCall<R extends Route, Code extends R['errors'][number]>(
  route: R,
  handle: (request: RequestOf<R>, call: Call) => Promise<Result<AnswerOf<R>, Fault<Code>>>,
  { rules = () => null, statusOf = () => route.answers[0]?.status ?? 200 }: CallOptions<RequestOf<R>, AnswerOf<R>> = {},
): BoundRoute {
  const parts = partsOf(route)
  return {
    route,
    serve: async (request, reply, call) => {
      // Checked by the schemas of the route, which are what the type is made of.
      const input = inputOf(request, parts) as RequestOf<R>
      const broken = rules(input)
      if (broken !== null) throw new ApiError(broken)
      const outcome = await handle(input, call)
      if (!outcome.ok) return sendFault(reply, outcome.error, route.repeatable)
      return reply.code(statusOf(outcome.value)).send(outcome.value)
    },
  }
}

type Part = 'params' | 'query' | 'body'

const partsOf = (route: Route): readonly Part[] => (['params', 'query', 'body'] as const).filter((part) => hasFields(route[part]))

/** One object of all; of a route that has only a body, that body. Those of the router have no prototype, this has. */
function inputOf(request: FastifyRequest, parts: readonly Part[]): object {
  if (parts.length === 1 && parts[0] === 'body') return request.body as object
  return Object.assign({}, ...parts.map((part) => request[part] as object)) as object
}
