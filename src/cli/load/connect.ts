import type { Lockstep } from '#sdk/lockstep.ts'

/** Where nodes are, by service, and what to show them. */
export interface ConnectUrls {
  readonly lock?: readonly string[]
  readonly queue?: readonly string[]
  readonly cache?: readonly string[]
  readonly token?: string
}

/** Connects as a program does, with a connection of its own each time. */
export type Connect = (urls: ConnectUrls) => Promise<Lockstep>
