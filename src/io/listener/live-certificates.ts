import type { Server } from 'node:https'
import type { SecureContext } from 'node:tls'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { readPem, unreadable } from './certificate-files.ts'
import { certificatesOf, lifeWarnings } from './certificates.ts'
import type { Certificates, Pem, TlsFiles } from './certificates.ts'
import { listenerLimits } from './limits.ts'

interface Watching {
  readonly clock: Clock
  readonly telemetry: Pick<Telemetry, 'log' | 'gauge'>
}

/**
 * The certificates of a node that runs. Its files are looked at again and again rather than watched: those of a mounted secret are exchanged behind links,
 * of which the system does not tell. What is new is taken once two looks have found the same, so that nothing half written is, and if it can
 * be used; otherwise the old ones stay, and a line of the log says why.
 */
export class LiveCertificates {
  readonly files: TlsFiles
  readonly #servers: Server[] = []
  #current: Certificates
  /** What the last look found, when that was not what is in use. */
  #seen: Pem | null = null
  /** Why what was found last is not used. */
  #problem: string | null = null
  #cancel: Cancel = () => {}
  #stopped = false

  constructor(files: TlsFiles, current: Certificates) {
    this.files = files
    this.#current = current
  }

  /** For connections to other nodes. */
  get context(): SecureContext {
    return this.#current.context
  }

  get pem(): Pem {
    return this.#current.pem
  }

  /** What an operator should know now. */
  warnings(nowMs: number): readonly string[] {
    const refused = this.#problem === null ? [] : [`new certificates are not used: ${this.#problem}`]
    return [...refused, ...lifeWarnings(this.#current, nowMs)]
  }

  /** Its new connections will have what is current then. */
  keep(server: Server): void {
    this.#servers.push(server)
  }

  watch(watching: Watching): void {
    const { clock, telemetry } = watching
    for (const warning of lifeWarnings(this.#current, clock.wall())) telemetry.log('warn', 'certificate', { warning })
    this.#gauge(telemetry)
    this.#lookLater(watching)
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  #lookLater(watching: Watching): void {
    if (this.#stopped) return
    this.#cancel = watching.clock.after(listenerLimits.lookMs, () => {
      void this.#look(watching.telemetry).then(() => this.#lookLater(watching))
    })
  }

  async #look(telemetry: Watching['telemetry']): Promise<void> {
    try {
      const found = await readPem(this.files)
      this.#consider(found, telemetry)
    } catch (error) {
      this.#refuse(unreadable(error), telemetry)
    }
  }

  #consider(found: Pem, telemetry: Watching['telemetry']): void {
    if (isSame(found, this.#current.pem)) {
      this.#seen = null
      this.#problem = null
      return
    }
    const isSettled = this.#seen !== null && isSame(found, this.#seen)
    this.#seen = found
    if (!isSettled) return
    const read = certificatesOf(found)
    if (read.ok) this.#take(read.value, telemetry)
    else this.#refuse(read.error, telemetry)
  }

  #take(certificates: Certificates, telemetry: Watching['telemetry']): void {
    this.#current = certificates
    this.#seen = null
    this.#problem = null
    const { cert, key, ca } = certificates.pem
    for (const server of this.#servers) server.setSecureContext({ cert, key, ...(ca === null ? {} : { ca }) })
    const [own] = certificates.lives
    telemetry.log('info', 'certificates-reloaded', { certificate: own?.what ?? '', until: new Date(own?.to ?? 0).toISOString() })
    this.#gauge(telemetry)
  }

  #refuse(problem: string, telemetry: Watching['telemetry']): void {
    if (this.#problem === problem) return
    this.#problem = problem
    telemetry.log('warn', 'certificates-refused', { problem })
  }

  #gauge(telemetry: Watching['telemetry']): void {
    const ends = Math.min(...this.#current.lives.map(({ to }) => to))
    telemetry.gauge('lockstep_tls_certificate_expiry_timestamp_seconds', {}, Math.floor(ends / 1_000))
  }
}

const isSame = (left: Pem, right: Pem): boolean =>
  left.cert.equals(right.cert) && left.key.equals(right.key) && (left.ca?.equals(right.ca ?? Buffer.alloc(0)) ?? right.ca === null)
