import { equal } from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as rest } from 'node:timers/promises'
import { ProcessCluster } from '#test/harness/process-cluster.ts'

/** More than the 511 that Node.js has the system hold unless it is told otherwise. */
const count = 1_000
/** Who is turned away by the system tries again after a second. */
const withinMs = 900

test('a node that is busy for a moment has room for a thousand new connections, and answers them when it comes to them', async (t) => {
  await using cluster = await ProcessCluster.start()
  const [node] = cluster.nodes
  if (node === undefined) throw new Error('a cluster has nodes')
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  let connected = 0
  node.signal('SIGSTOP')
  for (let at = 0; at < count; at++) sockets.push(connect(node.port, '127.0.0.1', () => connected++))
  await rest(withinMs)
  equal(connected, count)

  const answers = sockets.map(async (socket) => String((await once(socket, 'data'))[0]))
  for (const socket of sockets) socket.write('GET /healthz HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n')
  node.signal('SIGCONT')
  equal((await Promise.all(answers)).filter((answer) => answer.startsWith('HTTP/1.1 200')).length, count)
})
