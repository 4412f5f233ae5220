import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Result } from '#base/result.ts'
import type { HashedToken, Token } from '#core/access/types.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { Tokens } from '#ports/tokens.ts'

interface TokenFileOptions {
  readonly path: string
  readonly parse: (text: string) => Result<readonly HashedToken[], readonly string[]>
  readonly everyMs: number
  readonly bytesMax: number
  readonly clock: Clock
  readonly telemetry: Telemetry
}

interface Known {
  readonly token: HashedToken
  readonly hash: Buffer
}

/**
 * The tokens of a file, which is read again when it has changed. A file that cannot be read, or has a mistake, changes nothing: the tokens before go on to count, and the
 * log says why. Who starts with such a file lets nobody in.
 */
export class TokenFile implements Tokens {
  readonly #options: TokenFileOptions
  #known: readonly Known[] = []
  #tokens: ReadonlySet<Token> = new Set()
  /** Of the file that was read last. */
  #stamp = ''
  #cancel: Cancel = () => {}
  #stopped = false

  constructor(options: TokenFileOptions) {
    this.#options = options
    const { path } = options
    try {
      this.#stamp = stampOf(statSync(path))
      this.#take(readFileSync(path))
    } catch (error) {
      this.#refuse([reasonOf(error)])
    }
  }

  start(): void {
    this.#lookLater()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  find(secret: string): Token | null {
    const hash = createHash('sha256').update(secret).digest()
    let found: Token | null = null
    // All of them are compared, whichever it is.
    for (const known of this.#known) if (timingSafeEqual(known.hash, hash)) found = known.token
    return found
  }

  has(token: Token): boolean {
    return this.#tokens.has(token)
  }

  #lookLater(): void {
    const { clock, everyMs } = this.#options
    this.#cancel = clock.after(everyMs, () => {
      void this.#look().then(() => {
        if (!this.#stopped) this.#lookLater()
      })
    })
  }

  async #look(): Promise<void> {
    const { path } = this.#options
    let stamp = ''
    try {
      stamp = stampOf(await stat(path))
      if (stamp === this.#stamp) return
      this.#take(await readFile(path))
    } catch (error) {
      // What is wrong is told once, and not at every look.
      stamp = reasonOf(error)
      if (stamp !== this.#stamp) this.#refuse([stamp])
    }
    this.#stamp = stamp
  }

  #take(content: Buffer): void {
    const { path, parse, bytesMax, telemetry } = this.#options
    if (content.length > bytesMax) return this.#refuse([`it has more than ${bytesMax} bytes`])
    const read = parse(content.toString())
    if (!read.ok) return this.#refuse(read.error)
    const before = new Map(this.#known.map((known) => [JSON.stringify(known.token), known]))
    // One that has not changed stays the very same, with all that was let in by it.
    this.#known = read.value.map((token) => before.get(JSON.stringify(token)) ?? { token, hash: Buffer.from(token.sha256, 'hex') })
    this.#tokens = new Set(this.#known.map(({ token }) => token))
    telemetry.log('info', 'tokens-read', { path, tokens: this.#known.length })
  }

  #refuse(reasons: readonly string[]): void {
    const { path, telemetry } = this.#options
    telemetry.log('error', 'tokens-not-read', { path, reason: reasons.join('; '), tokens: this.#known.length })
  }
}

const stampOf = ({ mtimeMs, ctimeMs, ino, size }: { mtimeMs: number; ctimeMs: number; ino: number; size: number }): string =>
  `${mtimeMs} ${ctimeMs} ${ino} ${size}`

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
