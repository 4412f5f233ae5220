import type { ClusterView } from '#api/common/node-api.ts'
import type { NodeProcess } from './node-process.ts'
import { ServiceCluster } from './service-cluster.ts'
import { settled, until } from './until.ts'

export type { Reply as LockReply } from './service-cluster.ts'

const lockSlot = 1

/** Three real lock nodes. */
export class LockCluster extends ServiceCluster {
  static async start(args: readonly string[] = []): Promise<LockCluster> {
    return new LockCluster(await ServiceCluster.launch('lock', args))
  }

  /** The node that leads the locks in the newest term that any of them knows. */
  async leader(): Promise<NodeProcess> {
    let found: NodeProcess | undefined
    await until('the locks have a leader', async () => {
      const views = await Promise.all(this.running.map(async (node) => ({ node, slot: await this.#slotOf(node) })))
      const newest = Math.max(...views.map(({ slot }) => slot?.term ?? 0))
      found = views.find(({ slot }) => slot?.role === 'leader' && slot.term === newest)?.node
      return found !== undefined
    })
    return found as NodeProcess
  }

  /** The leader once leadership has rested for a while: right after the start it moves to where the table wants it. */
  settledLeader(): Promise<NodeProcess> {
    return settled('the leader of the locks rests', () => this.leader(), 2_000)
  }

  async #slotOf(node: NodeProcess): Promise<ClusterView['slots'][number] | undefined> {
    const { body } = await this.get(node, '/cluster')
    return (body as ClusterView).slots.find(({ slot }) => slot === lockSlot)
  }
}
