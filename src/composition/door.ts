import type { Server } from 'node:http'
import { faultOf } from '#api/errors.ts'
import { ok } from '#base/result.ts'
import type { Result } from '#base/result.ts'
import { bareAnswer } from '#http/bad-bytes.ts'
import { loadCertificates } from '#io/listener/certificate-files.ts'
import { Listener } from '#io/listener/listener.ts'
import { LiveCertificates } from '#io/listener/live-certificates.ts'
import { systemClock } from '#io/system-clock.ts'
import { secureConnect } from '#io/transport/secure-connect.ts'
import type { TcpTransportOptions } from '#io/transport/tcp-transport.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { NodeOptions } from './node-options.ts'
import { securityWarnings } from './security-warnings.ts'
import type { Port } from './served.ts'

/** How others come to a node, and how it goes to them: with TLS or without, and what is to be warned of there. */
export interface Door {
  readonly port: Port
  /** What connections between nodes need of it. */
  readonly peers: Pick<TcpTransportOptions, 'connect' | 'admits'>
  /** Tells what an operator should know, and goes on to. */
  watch(telemetry: Telemetry): void
  close(): void
}

/** Says in words what is wrong with its certificates. */
export function openDoor(options: NodeOptions): Result<Door, string> {
  const { tls } = options
  const loaded = tls === null ? null : loadCertificates(tls)
  if (loaded !== null && !loaded.ok) return loaded
  const certificates = tls === null || loaded === null ? null : new LiveCertificates(tls, loaded.value)
  const listener = new Listener({ certificates, refusals })
  const ofOptions = securityWarnings(options)
  return ok({
    port: {
      // Fastify does the same with a server of HTTPS, and its types know one of HTTP unless they are told otherwise everywhere.
      serverFactory: (handler) => listener.createServer(handler) as Server,
      warnings: () => [...ofOptions, ...listener.warnings(systemClock.wall())],
    },
    peers:
      certificates === null ? {} : { connect: secureConnect(() => certificates.context), admits: (socket) => listener.admitsNode(socket) },
    watch(telemetry) {
      for (const warning of ofOptions) telemetry.log('warn', 'security', { warning })
      listener.start({ clock: systemClock, telemetry })
    },
    close: () => listener.stop(),
  })
}

const refusals = {
  plain: bareAnswer(faultOf('https_required', 'this node speaks HTTPS, and this was HTTP: use https', {})),
  uncertified: (reason: string) =>
    bareAnswer(faultOf('certificate_refused', `a certificate of the CA of this node is needed to talk to it: ${reason}`, {})),
}
