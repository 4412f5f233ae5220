import type { Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { err, ok } from '#base/result.ts'
import type { Result } from '#base/result.ts'
import { secureConnect } from '#io/transport/secure-connect.ts'
import type { TlsOptions } from '#ports/tls-options.ts'

/** Makes connections over TLS. Says in words what is wrong with the options. */
export function clientConnect({ ca, cert, key, servername }: TlsOptions): Result<(host: string, port: number) => Socket, string> {
  if ((cert === undefined) !== (key === undefined)) return err('with `cert` and `key`, or with neither')
  try {
    const pem = (value: string | Uint8Array): string | Buffer => (typeof value === 'string' ? value : Buffer.from(value))
    const context = createSecureContext({
      ...(ca === undefined ? {} : { ca: pem(ca) }),
      ...(cert === undefined || key === undefined ? {} : { cert: pem(cert), key: pem(key) }),
    })
    return ok(secureConnect(() => context, servername ?? null))
  } catch (error) {
    return err(`certificates and a key in PEM (${(error as Error).message})`)
  }
}
