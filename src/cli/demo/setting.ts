import type { Lockstep } from '#sdk/lockstep.ts'

export interface DemoNode {
  readonly id: string
  readonly url: string
}

export type Three = readonly [DemoNode, DemoNode, DemoNode]

/** The processes of nodes, for those who may end and stop them. */
export interface Processes {
  /** Null when it runs elsewhere, or cannot be found. */
  pidOf(node: DemoNode): number | null
}

/** What the parts play with. */
export interface Setting {
  readonly lock: Three
  readonly queue: Three
  readonly cache: Three
  /** Behind each name, so that the demo may run again, and twice at a time. */
  readonly tag: string
  /** Null when nothing may be broken. */
  readonly processes: Processes | null
  /** Through the client library, to all three. */
  readonly connect: () => Promise<Lockstep>
}
