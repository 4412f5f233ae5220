import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, ListenOptions, Server } from 'node:net'
import { Server as SecureServer } from 'node:tls'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
/** Elsewhere than on Linux no two sockets share the connections of one port. */
const reusePort = process.platform === 'linux' && (major > 22 || (major === 22 && minor >= 12))

interface Terms {
  readonly count: number
  readonly backlog: number
}

/**
 * Node.js accepts one connection of a listening socket in each turn of its loop. A node that has too much to do takes 50 ms for a turn, and who is new would wait for seconds behind
 * others: so several sockets listen at its port, whose connections its server gets as if they were its own. Where the system cannot do that there are none.
 */
export class Entrances {
  readonly #doors: readonly Server[]

  private constructor(doors: readonly Server[]) {
    this.#doors = doors
  }

  /**
   * What a server listens with, if it is to have entrances. Rejects, as to listen does, when somebody listens there: who shares a port with himself is not told that he shares it with another
   * program.
   */
  static async claim<Place extends { readonly host: string; readonly port: number }>(
    place: Place,
  ): Promise<Place & { reusePort: boolean }> {
    if (reusePort) (await listening(createServer(), place)).close()
    return { ...place, reusePort }
  }

  /** For a server that listens there, which may have as many connections as before. */
  static async open(server: Server, addresses: readonly AddressInfo[], { count, backlog }: Terms): Promise<Entrances> {
    const doors: Server[] = []
    const connectionsMax = server.maxConnections
    for (const { address: host, port } of reusePort ? addresses : []) {
      for (let made = 0; made < count; made++) doors.push(await listening(doorTo(server), { host, port, backlog, reusePort }))
    }
    for (const each of [server, ...doors]) each.maxConnections = Math.ceil(connectionsMax / (doors.length + 1))
    return new Entrances(doors)
  }

  close(): void {
    for (const door of this.#doors) door.close()
  }
}

/** Its connections are as those that servers of HTTP, or of HTTPS, accept themselves. */
function doorTo(server: Server): Server {
  const door = createServer({ allowHalfOpen: !(server instanceof SecureServer), noDelay: true })
  door.on('connection', (socket) => server.emit('connection', socket))
  door.on('drop', (dropped) => server.emit('drop', dropped))
  return door
}

async function listening(server: Server, at: ListenOptions): Promise<Server> {
  server.listen(at)
  await once(server, 'listening')
  return server
}
