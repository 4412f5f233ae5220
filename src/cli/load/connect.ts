import type { Trust } from '#cli/service/trust.ts'
import type { Lockstep } from '#sdk/lockstep.ts'

/** Where nodes are, by service. */
interface Urls {
  readonly lock?: readonly string[]
  readonly queue?: readonly string[]
  readonly cache?: readonly string[]
}

/** What to show them, how to make sure of them, and what else the library is told. */
interface ConnectOptions extends Urls {
  readonly token?: string
  /** With `https` URLs only. */
  readonly tls?: Trust
  readonly clientId?: string
  readonly timeoutMs?: number
  readonly sessionTtlMs?: number
}

/** Connects as a program does, with a connection of its own each time. */
export type Connect = (options: ConnectOptions) => Promise<Lockstep>

/** As a command was told to reach those nodes; without `https` URLs there is nobody to make sure of. */
export function connectOptions(
  urls: Urls,
  { token, trust: { ca, cert, key } }: { readonly token: string | null; readonly trust: Trust },
): ConnectOptions {
  const isSecure = Object.values(urls).some((ofService: readonly string[] = []) => ofService.some((url) => url.startsWith('https:')))
  const tls = { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) }
  return { ...urls, ...(token === null ? {} : { token }), ...(isSecure ? { tls } : {}) }
}
