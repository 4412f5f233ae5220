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
  /** The JSON of an answer, when it has values that are kept as their bytes. */
  readonly write?: (answer: Value) => string
  /** Told of an answer that could not be sent, as its client is gone. */
  readonly onUnsent?: (answer: Value) => void
}

/** A call that a service answers with JSON: it may end only as its route says. */
export function bindCall<R extends Route, Code extends R['errors'][number]>(
  route: R,
  handle: (request: RequestOf<R>, call: Call) => Promise<Result<AnswerOf<R>, Fault<Code>>>,
  { rules = () => null, statusOf = () => route.answers[0]?.status ?? 200, write, onUnsent }: CallOptions<RequestOf<R>, AnswerOf<R>> = {},
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
      const { value } = outcome
      if (onUnsent !== undefined) whenUnsent(reply, () => onUnsent(value))
      reply.code(statusOf(value))
      return write === undefined ? reply.send(value) : reply.type('application/json; charset=utf-8').send(write(value))
    },
  }
}

/** Sent is what the operating system has taken; whether it arrived nobody can tell. */
function whenUnsent({ raw }: FastifyReply, tell: () => void): void {
  if (raw.destroyed) tell()
  else {
    raw.once('close', tell)
    raw.once('finish', () => raw.off('close', tell))
  }
}

type Part = 'params' | 'query' | 'body'

export const partsOf = (route: Route): readonly Part[] => (['params', 'query', 'body'] as const).filter((part) => hasFields(route[part]))

/** One object of all; of a route that has only a body, that body. Those of the router have no prototype, this has. */
export function inputOf(request: FastifyRequest, parts: readonly Part[]): object {
  if (parts.length === 1 && parts[0] === 'body') return request.body as object
  return Object.assign({}, ...parts.map((part) => request[part] as object)) as object
}
