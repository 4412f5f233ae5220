import type { NodeOptions } from '#composition/node-options.ts'
import type { Result } from '#base/result.ts'
import type { ValuesOf } from './flag.ts'
import { choice, text } from './kinds.ts'

export type Tls = NonNullable<NodeOptions['tls']>

/** Says in words what is wrong with the files; null when a node can use them. */
export type CheckTls = (tls: Tls) => Result<unknown, string>

/** How a node speaks TLS. Files are in PEM, and are read again when they change. */
export const tlsFlags = {
  'tls-cert': text('FILE', 'its certificate and those between it and its CA: the node speaks HTTPS, and TLS with other nodes'),
  'tls-key': text('FILE', 'the key of that certificate'),
  'tls-ca': text('FILE', 'the CA of the certificates of other nodes, and of clients; the ones that Node.js knows by default'),
  'tls-client-auth': choice(
    'WHO',
    'who must show a certificate of --tls-ca: none, by default; request: other nodes, and of clients those that have one; or require: everybody',
    ['none', 'request', 'require'],
  ),
} as const

/** Null without TLS. What is wrong is added to `mistakes`. */
export function tlsOf(values: ValuesOf<typeof tlsFlags>, check: CheckTls, mistakes: string[]): Tls | null {
  const { 'tls-cert': cert, 'tls-key': key, 'tls-ca': ca, 'tls-client-auth': clientAuth } = values
  if (cert === undefined || key === undefined) {
    if (cert !== undefined) mistakes.push('--tls-cert needs --tls-key')
    if (key !== undefined) mistakes.push('--tls-key needs --tls-cert')
    const isLone = cert === undefined && key === undefined && (ca !== undefined || clientAuth !== 'none')
    if (isLone) mistakes.push(`${ca === undefined ? '--tls-client-auth' : '--tls-ca'} needs --tls-cert and --tls-key`)
    return null
  }
  if (ca === undefined && clientAuth !== 'none')
    mistakes.push(`--tls-client-auth ${clientAuth} needs --tls-ca: whose certificates are meant`)
  const tls = { cert, key, ca: ca ?? null, clientAuth }
  const checked = check(tls)
  if (!checked.ok) mistakes.push(checked.error)
  return tls
}

/** The same settings as flags of another node. */
export const tlsArguments = ({ cert, key, ca, clientAuth }: Tls): readonly string[] => [
  '--tls-cert',
  cert,
  '--tls-key',
  key,
  '--tls-client-auth',
  clientAuth,
  ...(ca === null ? [] : ['--tls-ca', ca]),
]
