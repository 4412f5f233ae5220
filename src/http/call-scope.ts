import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Call, CallEnd } from '#api/call.ts'
import { traceOf } from './trace-context.ts'

/** The calls that wait, so that they can be told when their clients vanish, or when the node stops. */
export class CallScope {
  readonly #waiting = new Set<AbortController>()
  #stopping = false

  open(request: FastifyRequest, reply: FastifyReply): Call {
    return new HttpCall(request, () => this.#signalFor(reply))
  }

  stop(): void {
    this.#stopping = true
    for (const controller of this.#waiting) abort(controller, 'stopping')
  }

  #signalFor({ raw }: FastifyReply): AbortSignal {
    const controller = new AbortController()
    if (raw.destroyed) abort(controller, 'client-gone')
    else if (this.#stopping) abort(controller, 'stopping')
    else {
      this.#waiting.add(controller)
      raw.once('close', () => {
        this.#waiting.delete(controller)
        if (!raw.writableEnded) abort(controller, 'client-gone')
      })
    }
    return controller.signal
  }
}

const abort = (controller: AbortController, reason: CallEnd): void => controller.abort(reason)

/** Most calls never look at their signal, so it is made when they do. */
class HttpCall implements Call {
  readonly #request: FastifyRequest
  readonly #makeSignal: () => AbortSignal
  #signal: AbortSignal | null = null

  constructor(request: FastifyRequest, makeSignal: () => AbortSignal) {
    this.#request = request
    this.#makeSignal = makeSignal
  }

  get requestId(): string {
    return this.#request.id
  }

  get trace(): string | null {
    return traceOf(this.#request.headers)
  }

  get remoteAddress(): string {
    return this.#request.ip
  }

  get caller(): string | null {
    return this.#request.caller?.token?.name ?? null
  }

  get signal(): AbortSignal {
    return (this.#signal ??= this.#makeSignal())
  }
}
