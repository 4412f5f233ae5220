import { X509Certificate, createPrivateKey } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { err, ok } from '#base/result.ts'
import type { Result } from '#base/result.ts'

/** Which of those who connect show a certificate of the CA: nobody has to; nodes; everybody. */
type ClientAuth = 'none' | 'request' | 'require'

/** Where the certificate of a node is, its key, and the CA that other nodes and their clients have theirs from; all in PEM. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  /** Null for those that Node.js knows. */
  readonly ca: string | null
  readonly clientAuth: ClientAuth
}

/** What is in those files. */
export interface Pem {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer | null
}

/** What a node shows of itself, and whom it believes. */
export interface Certificates {
  readonly pem: Pem
  readonly context: SecureContext
  /** Of the own chain and of the CA. */
  readonly lives: readonly Life[]
}

/** How long one certificate is valid, in milliseconds since 1970. */
interface Life {
  readonly what: string
  readonly from: number
  readonly to: number
}

/** Says in words what is wrong, by the flag of the file; an expired certificate is not. */
export function certificatesOf(pem: Pem): Result<Certificates, string> {
  const chain = blocksIn(pem.cert)
  const [own] = chain.ok ? chain.value : []
  if (!chain.ok || own === undefined)
    return err(`--tls-cert has no certificate in PEM that can be read${chain.ok ? '' : `: ${chain.error}`}`)
  const key = keyIn(pem.key)
  if (!key.ok) return key
  if (!own.checkPrivateKey(key.value)) return err('--tls-key is not the key of the certificate in --tls-cert')
  const authorities = pem.ca === null ? ok([]) : blocksIn(pem.ca)
  if (!authorities.ok || (pem.ca !== null && authorities.value.length === 0)) {
    return err(`--tls-ca has no certificate in PEM that can be read${authorities.ok ? '' : `: ${authorities.error}`}`)
  }
  const lives = [
    ...chain.value.map((each) => lifeOf(`the certificate of ${nameOf(each)}`, each)),
    ...authorities.value.map((each) => lifeOf(`the CA ${nameOf(each)}`, each)),
  ]
  return contextOf(pem, lives)
}

function contextOf(pem: Pem, lives: readonly Life[]): Result<Certificates, string> {
  const { cert, key, ca } = pem
  try {
    return ok({ pem, lives, context: createSecureContext({ cert, key, ...(ca === null ? {} : { ca }) }) })
  } catch (error) {
    return err(`TLS cannot be had with these certificates: ${(error as Error).message}`)
  }
}

/** Every certificate of a file. */
function blocksIn(pem: Buffer): Result<readonly X509Certificate[], string> {
  const blocks = pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    return ok(blocks.map((block) => new X509Certificate(block)))
  } catch (error) {
    return err((error as Error).message)
  }
}

function keyIn(pem: Buffer): Result<ReturnType<typeof createPrivateKey>, string> {
  try {
    return ok(createPrivateKey(pem))
  } catch (error) {
    const isEncrypted = (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE'
    return err(
      isEncrypted ? '--tls-key is encrypted: take one without a passphrase' : '--tls-key has no private key in PEM that can be read',
    )
  }
}

const nameOf = ({ subject, serialNumber }: X509Certificate): string => (subject === '' ? `serial number ${serialNumber}` : subject)
const lifeOf = (what: string, { validFromDate, validToDate }: X509Certificate): Life => ({
  what: what.replaceAll('\n', ', '),
  from: validFromDate.getTime(),
  to: validToDate.getTime(),
})

const dayMs = 86_400_000
const noticeMsMax = 14 * dayMs

/** What is expired, or soon will be: in two weeks, or when a tenth of its life is left, which is little of a short one. */
export function lifeWarnings({ lives }: Pick<Certificates, 'lives'>, nowMs: number): readonly string[] {
  return lives.flatMap(({ what, from, to }) => {
    if (nowMs < from) return [`${what} is not valid before ${instant(from)}`]
    if (nowMs > to) return [`${what} expired at ${instant(to)}`]
    return to - nowMs < Math.min(noticeMsMax, (to - from) / 10) ? [`${what} expires at ${instant(to)}`] : []
  })
}

const instant = (ms: number): string => new Date(ms).toISOString()
