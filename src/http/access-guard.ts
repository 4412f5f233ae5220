import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import type { Access } from '#api/access/access.ts'
import { roleOf } from '#api/access/access.ts'
import { accessLimits } from '#api/access/limits.ts'
import type { Fault } from '#api/errors.ts'
import type { Route } from '#api/route.ts'
import type { Caller } from '#core/access/types.ts'
import type { AccessControl } from '#services/access/access-control.ts'
import type { GuardPorts } from '#services/access/guarded-clients.ts'
import type { BoundRoute } from './bound-route.ts'
import { inputOf, partsOf } from './bound-route.ts'
import { isBearer, secretOf } from './credentials.ts'
import { sendFault } from './faults.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly route?: Route
  }
  interface FastifyRequest {
    /** Null where nobody is asked who it is. */
    caller: Caller | null
  }
}

/** Who spoke on a connection last, and by which header: most say the same with every request. */
interface Known {
  readonly header: string | undefined
  readonly caller: Caller
}

const stranger = (address: string): Caller => ({ token: null, address })

/**
 * Asks who calls before a request is read, and whether that may be before it is carried out, for the names are in the request. A caller is looked up once for
 * each connection: what it sent there itself is all that the next header is compared with.
 */
export class AccessGuard {
  readonly #control: AccessControl
  readonly #refused: GuardPorts['refused']
  readonly #known = new WeakMap<Socket, Known>()

  constructor({ control, refused }: GuardPorts) {
    this.#control = control
    this.#refused = refused
  }

  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request, reply, done) => {
      const { route = null } = request.routeOptions.config
      const fault = route?.access.type === 'open' ? null : this.#enter(request, route)
      if (fault === null) done()
      else sendFault(reply, fault)
    })
  }

  /** The route, for those who may. */
  guarded({ route, serve }: BoundRoute): BoundRoute {
    const parts = partsOf(route)
    return {
      route,
      serve: (request, reply, call) => {
        const fault = this.#denied(request, route.access, () => inputOf(request, parts))
        if (fault !== null) {
          this.#tell(route, request)
          return sendFault(reply, fault)
        }
        if (route.streams) this.#endInTime(request, reply)
        return serve(request, reply, call)
      },
    }
  }

  /** A stream has no end of its own, so it is broken off when the token that it was opened with counts no more. */
  #endInTime({ caller }: FastifyRequest, { raw }: FastifyReply): void {
    if (caller === null || caller.token === null) return
    const timer = setInterval(() => {
      if (!this.#control.isCurrent(caller)) raw.destroy()
    }, accessLimits.lookEveryMs).unref()
    raw.once('close', () => clearInterval(timer))
  }

  /** What is not served is told to anybody, though not as often as wanted. */
  #enter(request: FastifyRequest, route: Route | null): Fault<'unauthorized' | 'forbidden' | 'rate_limited'> | null {
    const identified = route === null ? ok(stranger(request.ip)) : this.#identify(request, route.access)
    const caller = identified.ok ? identified.value : stranger(request.ip)
    const limited = this.#control.limit(caller)
    if (limited !== null) return limited
    if (!identified.ok) return identified.error
    if (route === null) return null
    request.caller = caller
    const forbidden = this.#control.deny(caller, [{ role: roleOf(route.access), names: [] }])
    if (forbidden !== null) this.#tell(route, request)
    return forbidden
  }

  #identify({ headers: { authorization }, ip, socket }: FastifyRequest, access: Access): Result<Caller, Fault<'unauthorized'>> {
    const known = this.#known.get(socket)
    if (known !== undefined && known.header === authorization && this.#control.isCurrent(known.caller)) return ok(known.caller)
    const isToLookAt = access.type !== 'mixed' && roleOf(access) === null
    const identified = this.#control.identify(secretOf(authorization, { basic: isToLookAt }), ip)
    if (!identified.ok) return err(identified.error)
    // What is good for looking only must not be remembered as good for all.
    if (authorization === undefined || isBearer(authorization)) this.#known.set(socket, { header: authorization, caller: identified.value })
    return identified
  }

  #denied(request: FastifyRequest, access: Access, input: () => object): Fault<'forbidden'> | null {
    const { caller } = request
    if (caller === null || caller.token === null) return null
    switch (access.type) {
      case 'open':
      case 'nameless':
        return null
      case 'everything':
        return this.#control.deny(caller, [{ role: access.role, names: 'all' }])
      case 'listing':
        return this.#narrow(request, caller, access)
      case 'named':
        return this.#control.deny(caller, [{ role: access.role, names: access.names(input()) }])
      case 'mixed':
        return this.#control.deny(caller, access.demands(input()))
    }
  }

  #narrow(request: FastifyRequest, caller: Caller, { role }: Extract<Access, { type: 'listing' }>): Fault<'forbidden'> | null {
    const query = request.query as { prefix?: string }
    const narrowed = this.#control.narrow(caller, role, query.prefix ?? '')
    if (!narrowed.ok) return narrowed.error
    if (narrowed.value !== '') query.prefix = narrowed.value
    return null
  }

  #tell({ id, access }: Route, { id: requestId, caller, params, body }: FastifyRequest): void {
    if (caller === null || roleOf(access) !== 'admin') return
    this.#refused(id, { requestId, caller, names: access.type === 'named' ? namesIn(access, { params, body }) : [] })
  }
}

/** Before the body is read only those in the path are known. */
const namesIn = (
  access: Extract<Access, { type: 'named' }>,
  { params, body }: Pick<FastifyRequest, 'params' | 'body'>,
): readonly string[] => access.names(Object.assign({}, params, body)).filter((name) => typeof name === 'string')
