import { type RequestListener, type Server as PlainServer, createServer } from 'node:http'
import { type Server as SecureServer, createServer as createSecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { byFirstByte } from './first-byte.ts'
import { type ListenerLimits, listenerLimits } from './limits.ts'
import type { LiveCertificates } from './live-certificates.ts'

export interface ListenerOptions {
  /** Null for HTTP without TLS. */
  readonly certificates: LiveCertificates | null
  /** Whole HTTP answers, to those whom no request is read from. */
  readonly refusals: {
    /** HTTP where HTTPS is spoken. */
    readonly plain: string
    /** No certificate of the CA, where everybody shows one; `reason` is that of TLS. */
    readonly uncertified: (reason: string) => string
  }
  readonly limits?: Partial<ListenerLimits>
}

/** Makes the server of the one port of a node, as Fastify asks for it: HTTP or HTTPS, with limits on whoever connects. */
export class Listener {
  readonly #options: ListenerOptions
  readonly #limits: ListenerLimits
  #telemetry: Telemetry | null = null
  #lastFault = ''

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#limits = { ...listenerLimits, ...options.limits }
  }

  /** From here on it tells what it turns away, and looks for new certificates. */
  start(ports: { readonly clock: Clock; readonly telemetry: Telemetry }): void {
    this.#telemetry = ports.telemetry
    this.#options.certificates?.watch(ports)
  }

  stop(): void {
    this.#options.certificates?.stop()
  }

  /** What an operator should know of its certificates. */
  warnings(nowMs: number): readonly string[] {
    return this.#options.certificates?.warnings(nowMs) ?? []
  }

  /** Whether who is at the other end may be a node: with certificates of clients asked for, who has shown one. */
  admitsNode(socket: Socket): boolean {
    const { certificates } = this.#options
    return certificates === null || certificates.files.clientAuth === 'none' || (socket as TLSSocket).authorized
  }

  readonly createServer = (handler: RequestListener): PlainServer | SecureServer => {
    const { certificates } = this.#options
    const { headBytesMax: maxHeaderSize, headMs: headersTimeout, checkMs: connectionsCheckingInterval } = this.#limits
    // Who names no host is answered by the API, with a reason, and not by Node.js, without one.
    const options = { maxHeaderSize, headersTimeout, connectionsCheckingInterval, requireHostHeader: false }
    const server = certificates === null ? createServer(options, handler) : this.#secureServer(certificates, options, handler)
    server.maxConnections = this.#limits.connectionsMax
    server.on('drop', () => this.#telemetry?.count('lockstep_connections_refused_total', { cause: 'too-many' }))
    return server
  }

  #secureServer(certificates: LiveCertificates, options: object, handler: RequestListener): SecureServer {
    const { cert, key, ca } = certificates.pem
    const server = createSecureServer(
      {
        ...options,
        cert,
        key,
        ...(ca === null ? {} : { ca }),
        handshakeTimeout: this.#limits.handshakeMs,
        requestCert: certificates.files.clientAuth !== 'none',
        // Who has none is told so, below, which an alert of TLS does not do well.
        rejectUnauthorized: false,
      },
      handler,
    )
    certificates.keep(server)
    inFrontOf<Socket>(server, 'connection', (socket, next) => {
      const other = (): void => this.#turnAway(socket, 'plain', this.#options.refusals.plain)
      byFirstByte(socket, { limitMs: this.#limits.handshakeMs, tls: next, other })
    })
    inFrontOf<TLSSocket>(server, 'secureConnection', (socket, next) => {
      const reason = objectionTo(socket, certificates)
      if (reason === null) next(socket)
      else this.#turnAway(socket, 'uncertified', this.#options.refusals.uncertified(reason))
    })
    // Otherwise such a fault would be answered as one of HTTP, on a socket that can say nothing.
    server.removeAllListeners('tlsClientError')
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      socket.destroy()
      this.#faulty(error.code ?? error.message)
    })
    return server
  }

  #turnAway(socket: Socket, cause: 'plain' | 'uncertified', answer: string): void {
    this.#telemetry?.count('lockstep_connections_refused_total', { cause })
    const timer = setTimeout(() => socket.destroy(), this.#limits.partingMs)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => clearTimeout(timer))
    // What was sent and not read would have the system throw the answer away.
    socket.resume()
    socket.end(answer)
  }

  /** Of one that went wrong in the same way again and again one line is enough. */
  #faulty(code: string): void {
    this.#telemetry?.count('lockstep_connections_refused_total', { cause: 'handshake' })
    if (code !== this.#lastFault) this.#telemetry?.log('info', 'tls-handshake-failed', { code })
    this.#lastFault = code
  }
}

/** Why it is not let in; null when it is. A certificate that is not of the CA is worse than none. */
function objectionTo(socket: TLSSocket, { files: { clientAuth } }: LiveCertificates): string | null {
  if (clientAuth === 'none' || socket.authorized) return null
  const hasShown = socket.getPeerX509Certificate() !== undefined
  if (!hasShown) return clientAuth === 'require' ? 'none was shown' : null
  return String(socket.authorizationError)
}

/** Has what comes with that event go through `first`, before those who listen to it now. */
function inFrontOf<S extends Socket>(server: SecureServer, event: string, first: (socket: S, next: (socket: S) => void) => void): void {
  const listeners = server.listeners(event)
  server.removeAllListeners(event)
  server.on(event, (socket: S) => first(socket, (accepted) => listeners.forEach((listener) => void listener.call(server, accepted))))
}
