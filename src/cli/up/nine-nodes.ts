import { join } from 'node:path'
import type { LocalNode } from './local-nodes.ts'

/** Where the first node of each service listens. */
export const firstPorts = { lock: 8001, queue: 9001, cache: 7001 } as const
export type NodeCounts = Readonly<Record<keyof typeof firstPorts, number>>

const usualCounts: NodeCounts = { lock: 3, queue: 3, cache: 3 }
/** Of a service. */
export const nodesMax = 9
/** Added to the highest of them it is a port still. */
export const portOffsetMax = 65_535 - (Math.max(...Object.values(firstPorts)) + nodesMax - 1)

/** So many nodes of each service on this machine, with their data in the folder and all ports moved by the offset. */
export const nodesOf = (folder: string, offset: number, counts: NodeCounts): readonly LocalNode[] =>
  (['lock', 'queue', 'cache'] as const).flatMap((service) =>
    Array.from({ length: counts[service] }, (_, at) => {
      const id = `${service}-node-${at + 1}`
      return { service, id, address: `127.0.0.1:${firstPorts[service] + at + offset}`, data: join(folder, id) }
    }),
  )

export const nineNodes = (folder: string, offset: number): readonly LocalNode[] => nodesOf(folder, offset, usualCounts)
