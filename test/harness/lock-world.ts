import { present } from '#base/assert.ts'
import type { LockApi } from '#api/locks/lock-api.ts'
import { lockGroup } from '#services/lock/limits.ts'
import { LockServer } from '#services/lock/lock-server.ts'
import { ServiceWorld } from './service-world.ts'
import type { ServiceWorldOptions, WorldNode } from './service-world.ts'

export { TestCall } from './service-world.ts'
export type LockWorldNode = WorldNode<LockServer>

/** The lock service on simulated machines. */
export class LockWorld extends ServiceWorld<LockServer> {
  static async start(options: ServiceWorldOptions = {}): Promise<LockWorld> {
    const world = new LockWorld((ports) => new LockServer(ports), 1, options)
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
