import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { rawPeer } from './transport-raw.ts'
import { TcpNetwork } from './transport-tcp.ts'
import { meet } from './transport.ts'

test('stop ends everything: sockets, timers, dials and waits', async () => {
  const resources = (): readonly string[] => process.getActiveResourcesInfo().toSorted()
  const before = resources()
  const network = new TcpNetwork()
  const [one, two] = [await network.node('one'), await network.node('two')]
  await meet(one, two)
  one.transport.setPeers([
    { name: 'two', address: two.address },
    { name: 'nobody', address: '127.0.0.1:1' },
    { name: 'far', address: '192.0.2.1:9' },
    { name: null, address: 'not an address' },
  ])
  const raw = await rawPeer(one.port)
  await network.close()
  await raw.closed
  // Node lists a handle for a turn or two after it was closed.
  for (let turns = 0; turns < 100 && resources().length > before.length; turns++) await setImmediate()
  assert.deepEqual(resources(), before)
})
