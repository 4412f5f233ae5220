import { join } from 'node:path'
import type { LocalNode } from './local-nodes.ts'

/** Where the first node of each service listens. */
export const firstPorts = { lock: 8001, queue: 9001, cache: 7001 } as const
const nodesPerService = 3
/** Added to the highest of them it is a port still. */
export const portOffsetMax = 65_535 - (Math.max(...Object.values(firstPorts)) + nodesPerService - 1)

/** Three nodes of each service on this machine, with their data in the folder and all ports moved by the offset. */
export const nineNodes = (folder: string, offset: number): readonly LocalNode[] =>
  (['lock', 'queue', 'cache'] as const).flatMap((service) =>
    Array.from({ length: nodesPerService }, (_, at) => {
      const id = `${service}-node-${at + 1}`
      return { service, id, address: `127.0.0.1:${firstPorts[service] + at + offset}`, data: join(folder, id) }
    }),
  )
