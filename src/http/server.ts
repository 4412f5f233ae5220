import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { RegisterCommand } from '#core/register/register.ts'
import type { RegisterOutcome, RegisterService } from '#services/register/register-service.ts'

/** The node's HTTP side. The transport between nodes shares its server and port. */
export function createHttpServer(service: () => RegisterService | null): FastifyInstance {
  const server = Fastify({ bodyLimit: 64 * 1024, forceCloseConnections: true })

  server.get('/healthz', () => ({ status: 'up' }))

  server.get('/readyz', (_request, reply) => {
    const reason = service()?.notReadyBecause() ?? (service() === null ? 'the node is starting' : null)
    if (reason === null) return { status: 'ready' }
    return reply
      .code(503)
      .header('retry-after', '1')
      .send(errorBody('not_ready', reason, true))
  })

  server.get(
    '/cluster',
    (_request, reply) => service()?.status() ?? reply.code(503).send(errorBody('unavailable', 'the node is starting', true)),
  )

  server.get<{ Params: { key: string } }>('/registers/:key', async ({ params }, reply) => {
    return answer(reply, await execute(service(), { type: 'read', key: params.key }))
  })

  server.post<{ Params: { key: string }; Body: RegisterBody }>(
    '/registers/:key',
    { schema: { body: registerBody } },
    async (request, reply) => {
      return answer(reply, await execute(service(), { ...request.body, key: request.params.key }))
    },
  )

  server.setErrorHandler<Error & { readonly statusCode?: number }>((error, _request, reply) => {
    const status = error.statusCode ?? 500
    const code = status < 500 ? 'invalid_request' : 'internal'
    return reply.code(status).send(errorBody(code, status < 500 ? error.message : 'this node failed to answer', false))
  })
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send(errorBody('not_found', `there is no ${request.method} ${request.url}`, false)),
  )
  return server
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
  oneOf: [
    bodyOf('write', { value: integer }),
    bodyOf('add', { by: integer }),
    bodyOf('compare-and-set', { expected: { ...integer, type: ['integer', 'null'] }, value: integer }),
  ],
}

const executeTimeoutMs = 5_000

async function execute(service: RegisterService | null, command: RegisterCommand): Promise<RegisterOutcome> {
  return (await service?.execute(command, executeTimeoutMs)) ?? { type: 'refused', code: 'not-formed' }
}

interface Reply {
  code(status: number): { header(name: string, value: string): { send(body: unknown): unknown }; send(body: unknown): unknown }
}

function answer(reply: Reply, outcome: RegisterOutcome): unknown {
  switch (outcome.type) {
    case 'answered':
      return outcome.answer
    case 'refused':
      return reply
        .code(outcome.code === 'overloaded' ? 429 : 503)
        .header('retry-after', '1')
        .send(errorBody(outcome.code.replaceAll('-', '_'), 'the command was not carried out', true))
    case 'unknown':
      return reply.code(504).send(errorBody('unknown', 'no answer in time: the command may have been carried out, or may yet be', false))
  }
}

const errorBody = (code: string, message: string, retryable: boolean) => ({ error: { code, message, retryable } })
