import type { Trust } from '#cli/service/trust.ts'
import type { Lockstep } from '#sdk/lockstep.ts'

/** Where nodes are, by service, what to show them, and what else the library is told. */
export interface ConnectUrls {
  readonly lock?: readonly string[]
  readonly queue?: readonly string[]
  readonly cache?: readonly string[]
  readonly token?: string
  /** With `https` URLs only. */
  readonly tls?: Trust
  readonly clientId?: string
  readonly timeoutMs?: number
  readonly sessionTtlMs?: number
}

/** Connects as a program does, with a connection of its own each time. */
export type Connect = (urls: ConnectUrls) => Promise<Lockstep>
