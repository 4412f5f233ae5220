import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Made by the tool that everybody has: Node.js makes no certificates.
const program = 'openssl'

/** Why tests with certificates are skipped here; false where they run. */
export const noOpenssl: string | false =
  spawnSync(program, ['version'], { stdio: 'ignore' }).status === 0 ? false : 'there is no openssl on PATH: apt-get install openssl'

/** A certificate and its key, in files of PEM. */
export interface Certified {
  readonly cert: string
  readonly key: string
}

interface Issuing {
  /** As `IP:127.0.0.1` or `DNS:localhost`; none for a client. */
  readonly names?: readonly string[]
  readonly days?: number
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const

/** A certificate authority of its own, in a folder that goes with it. */
export class Authority implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'lockstep-ca-'))
  readonly cert: string
  readonly #key: string
  #issued = 0

  constructor(name = 'the CA') {
    this.cert = join(this.folder, 'ca.pem')
    this.#key = join(this.folder, 'ca.key')
    this.#openssl('req', '-x509', ...newKey, '-keyout', this.#key, '-out', this.cert, '-days', '30', '-subj', `/CN=${name}`)
  }

  get pem(): Buffer {
    return readFileSync(this.cert)
  }

  /** With days below zero it has expired. */
  issue(name: string, { names = [], days = 30 }: Issuing = {}): Certified {
    const base = join(this.folder, `${name}-${++this.#issued}`)
    const [cert, key, request] = [`${base}.pem`, `${base}.key`, `${base}.csr`]
    const extension = names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`]
    this.#openssl('req', '-new', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${name}`, ...extension)
    const signing = ['-CA', this.cert, '-CAkey', this.#key, '-days', String(days), '-copy_extensions', 'copy']
    this.#openssl('x509', '-req', '-in', request, ...signing, '-out', cert)
    return { cert, key }
  }

  /** Of a node of this machine. */
  issueNode(name = 'node'): Certified {
    return this.issue(name, { names: ['IP:127.0.0.1', 'DNS:localhost'] })
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #openssl(...args: readonly string[]): void {
    execFileSync(program, args, { stdio: 'pipe' })
  }
}

export const pemOf = ({ cert, key }: Certified): { readonly cert: Buffer; readonly key: Buffer } => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
})
