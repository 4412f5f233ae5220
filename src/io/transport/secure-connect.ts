import { type Socket, isIP } from 'node:net'
import { type SecureContext, connect } from 'node:tls'

/** Connects over TLS; who answers must have a certificate for the host it was reached by, or for `servername`. */
export const secureConnect =
  (context: () => SecureContext, servername: string | null = null) =>
  (host: string, port: number): Socket => {
    const name = servername ?? (isIP(host) === 0 ? host : null)
    return connect({ host, port, secureContext: context(), ...(name === null ? {} : { servername: name }) }).setNoDelay(true)
  }
