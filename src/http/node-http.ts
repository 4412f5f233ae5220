import type { FastifyInstance } from 'fastify'

export interface NodeHttp {
  readonly fastify: FastifyInstance
  /** Refuses what comes from now on; resolves once everything that came before is answered, or after that time. */
  readonly drain: (withinMs: number) => Promise<void>
}
