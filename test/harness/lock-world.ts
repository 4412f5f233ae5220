import { present } from '#base/assert.ts'
import type { LockApi } from '#api/locks/lock-api.ts'
import type { DeadlockMode } from '#core/lock/types.ts'
import { lockGroup } from '#services/lock/limits.ts'
import { LockServer } from '#services/lock/lock-server.ts'
import { ServiceWorld } from './service-world.ts'
import type { ServerPorts, ServiceWorldOptions, WorldNode } from './service-world.ts'

export { TestCall } from './service-world.ts'
export type LockWorldNode = WorldNode<LockServer>

interface LockWorldOptions extends ServiceWorldOptions {
  /** What each node is told of deadlocks, in this life. */
  readonly policyOf?: (node: string) => DeadlockMode
}

/** The lock service on simulated machines. */
export class LockWorld extends ServiceWorld<LockServer> {
  static async start({ policyOf, ...options }: LockWorldOptions = {}): Promise<LockWorld> {
    const serve = (ports: ServerPorts): LockServer =>
      new LockServer({ ...ports, ...(policyOf === undefined ? {} : { deadlockPolicy: policyOf(ports.name) }) })
    const world = new LockWorld(serve, 1, options)
    await world.until('every node has its session', () => world.nodes.every(({ server }) => server.session.id !== null))
    // Right after the start leadership moves to where the table wants it.
    await world.run(3_000)
    return world
  }

  locks(name: string): LockApi {
    return this.get(name).server.locks
  }

  leader(): Promise<LockWorldNode> {
    return this.leaderOf(lockGroup)
  }

  async follower(): Promise<LockWorldNode> {
    const leader = await this.leader()
    return present(
      this.nodes.find((node) => node !== leader && !node.down && node.founder),
      'somebody follows',
    )
  }
}
