import type { Timing } from '#core/cluster/types.ts'

/** All that one node has to be told. */
export interface NodeOptions {
  readonly service: 'lock' | 'register'
  readonly id: string
  readonly listen: { readonly host: string; readonly port: number }
  /** `host:port`, where other nodes find this one. */
  readonly address: string
  /** Addresses of the initial voters, this node's own included, sorted; none for a node that joins. */
  readonly voters: readonly string[]
  readonly seeds: readonly string[]
  readonly data: string
  readonly slots: number
  readonly secret: string | null
  readonly timing: Timing
  readonly logLevel: string
}
