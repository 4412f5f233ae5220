import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'

const frameBytes = 128
const command = 1

/** Three bare nodes (see bare-node.ts) and a connection to their leader: what ours are measured beside. */
export class BareCluster {
  readonly #processes: readonly ChildProcess[]
  readonly #leader: Socket
  readonly #frame = Buffer.alloc(frameBytes, command)

  private constructor(processes: readonly ChildProcess[], leader: Socket) {
    this.#processes = processes
    this.#leader = leader
  }

  static async start(folder: string): Promise<BareCluster> {
    const followers = await Promise.all([startNode(folder), startNode(folder)])
    const leader = await startNode(
      folder,
      followers.map(({ port }) => port),
    )
    const socket = connect(leader.port, '127.0.0.1')
    socket.setNoDelay()
    await once(socket, 'connect')
    return new BareCluster([leader.child, ...followers.map(({ child }) => child)], socket)
  }

  /** The leader first. */
  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid as number)
  }

  /** One command, answered when it is on two disks. One at a time. */
  async ask(): Promise<void> {
    this.#leader.write(this.#frame)
    for (let received = 0; received < frameBytes;) received += ((await once(this.#leader, 'data')) as [Buffer])[0].length
  }

  stop(): void {
    this.#leader.destroy()
    for (const child of this.#processes) child.kill()
  }
}

async function startNode(
  folder: string,
  followers: readonly number[] = [],
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = fork(join(import.meta.dirname, 'bare-node.ts'), [folder, ...followers.map(String)])
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}
