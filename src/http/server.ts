import Fastify from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyServerFactory } from 'fastify'
import type { RegisterCommand } from '#core/register/register.ts'
import type { RegisterOutcome, RegisterService } from '#services/register/register-service.ts'
import { answerBadBytes } from './bad-bytes.ts'
import { errorBody, sendFault } from './errors.ts'
import type { NodeHttp } from './node-http.ts'
import { OpenRequests } from './open-requests.ts'

/** The node's HTTP side. The transport between nodes shares its server and port. */
export function createHttpServer(service: () => RegisterService | null, serverFactory: FastifyServerFactory): NodeHttp {
  const fastify = Fastify({
    serverFactory,
    bodyLimit: 64 * 1024,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: keyLengthMax },
    // A request says what it means: no member is dropped, and no text is taken for a number, nor null for 0.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, discriminator: true } },
    clientErrorHandler: answerBadBytes,
    frameworkErrors: (error, _request, reply) => void sendFault(error, reply),
  })
  const open = new OpenRequests()
  fastify.addHook('onRequest', async (_request, reply) => {
    if (open.add(reply.raw)) return undefined
    return reply
      .code(503)
      .header('connection', 'close')
      .send(errorBody('stopping', 'this node is stopping: ask another', true))
  })
  fastify.setErrorHandler<Error & { readonly statusCode?: number }>((error, _request, reply) => sendFault(error, reply))
  fastify.setNotFoundHandler((request, reply) =>
    reply.code(404).send(errorBody('not_found', `there is no ${request.method} ${request.url}`, false)),
  )
  addRoutes(fastify, service)
  return { fastify, drain: (withinMs) => open.drain(withinMs) }
}

function addRoutes(fastify: FastifyInstance, service: () => RegisterService | null): void {
  fastify.get('/healthz', () => ({ status: 'up' }))

  fastify.get('/readyz', (_request, reply) => {
    const reason = service()?.notReadyBecause() ?? (service() === null ? 'the node is starting' : null)
    if (reason === null) return { status: 'ready' }
    return reply
      .code(503)
      .header('retry-after', '1')
      .send(errorBody('not_ready', reason, true))
  })

  fastify.get(
    '/cluster',
    (_request, reply) => service()?.status() ?? reply.code(503).send(errorBody('unavailable', 'the node is starting', true)),
  )

  fastify.get<{ Params: { key: string } }>('/registers/:key', async ({ params }, reply) => {
    return answer(reply, await execute(service(), { type: 'read', key: params.key }), { repeatable: true })
  })

  fastify.post<{ Params: { key: string }; Body: RegisterBody }>(
    '/registers/:key',
    { schema: { body: registerBody } },
    async (request, reply) => {
      return answer(reply, await execute(service(), { ...request.body, key: request.params.key }), { repeatable: false })
    },
  )
}

type RegisterBody = DistributiveOmit<Exclude<RegisterCommand, { type: 'read' }>, 'key'>
type DistributiveOmit<T, Key extends keyof T> = T extends unknown ? Omit<T, Key> : never

const integer = { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER } as const
const bodyOf = (type: string, fields: Readonly<Record<string, unknown>>) => ({
  type: 'object',
  properties: { type: { const: type }, ...fields },
  required: ['type', ...Object.keys(fields)],
  additionalProperties: false,
})
const registerBody = {
  type: 'object',
  required: ['type'],
  discriminator: { propertyName: 'type' },
  oneOf: [
    bodyOf('write', { value: integer }),
    bodyOf('add', { by: integer }),
    bodyOf('compare-and-set', { expected: { ...integer, type: ['integer', 'null'] }, value: integer }),
  ],
}

const executeTimeoutMs = 5_000
/** For a whole request to arrive. */
const requestTimeoutMs = 30_000
const keyLengthMax = 1_024

async function execute(service: RegisterService | null, command: RegisterCommand): Promise<RegisterOutcome> {
  return (await service?.execute(command, executeTimeoutMs)) ?? { type: 'refused', code: 'not-formed' }
}

/** A command is `repeatable` when it does no harm to carry it out twice. */
function answer(reply: FastifyReply, outcome: RegisterOutcome, { repeatable }: { readonly repeatable: boolean }): unknown {
  switch (outcome.type) {
    case 'answered':
      return outcome.answer
    case 'refused':
      return reply
        .code(outcome.code === 'overloaded' ? 429 : 503)
        .header('retry-after', '1')
        .send(errorBody(outcome.code.replaceAll('-', '_'), 'the command was not carried out', true))
    case 'unknown':
      return reply
        .code(504)
        .send(errorBody('unknown', 'no answer in time: the command may have been carried out, or may yet be', repeatable))
  }
}
