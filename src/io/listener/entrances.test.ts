import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Entrances } from './entrances.ts'

const skip = process.platform !== 'linux' && 'no sockets share a port here'
const host = '127.0.0.1'
const backlog = 1_024

interface Opened {
  readonly server: Server
  readonly port: number
  readonly entrances: Entrances
}

/** A server with so many entrances, which end with the test. */
async function opened(context: TestContext, count: number): Promise<Opened> {
  const server = createServer((_, response) => response.end('served'))
  server.listen(await Entrances.claim({ host, port: 0, backlog }))
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  const entrances = await Entrances.open(server, [address], { count, backlog })
  context.after(() => {
    entrances.close()
    server.close()
    server.closeAllConnections()
  })
  return { server, port: address.port, entrances }
}

/** Turns of the event loop until all of those were accepted who have connected within one. */
async function turnsFor(context: TestContext, { server, port }: Opened, many: number): Promise<number> {
  const accepted: Socket[] = []
  server.on('connection', (socket: Socket) => accepted.push(socket))
  for (let made = 0; made < many; made++) {
    const socket = connect(port, host)
    context.after(() => socket.destroy())
  }
  let turns = 0
  for (; accepted.length < many; turns++) await turn()
  return turns
}

test('who comes while a node is busy is accepted with many others in a turn', { skip }, async (context) => {
  const many = 160
  const alone = await turnsFor(context, await opened(context, 0), many)
  const besides = await turnsFor(context, await opened(context, 15), many)
  ok(alone >= many, `${alone} turns`)
  ok(besides <= alone / 4, `${besides} turns, and ${alone} without entrances`)
})

test('through an entrance the server answers as through its own socket', async (context) => {
  const { server, port } = await opened(context, 3)
  const own: Socket[] = []
  server.on('connection', (socket: Socket) => own.push(socket))
  const answers = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const [response] = (await once(get({ host, port, agent: false }), 'response')) as [IncomingMessage]
      return text(response)
    }),
  )
  deepEqual(new Set(answers), new Set(['served']))
  equal(own.length, 40)
})

test('a port where somebody listens, with entrances or without, cannot be claimed', { skip }, async (context) => {
  const { port, entrances } = await opened(context, 2)
  await rejects(Entrances.claim({ host, port }), { code: 'EADDRINUSE' })
  entrances.close()
  await rejects(Entrances.claim({ host, port }), { code: 'EADDRINUSE' })
})
