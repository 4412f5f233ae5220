import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { freePorts } from '#test/harness/free-ports.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { ProcessCluster } from '#test/harness/process-cluster.ts'
import { RegisterClient } from '#test/harness/register-client.ts'
import { throughout, until } from '#test/harness/until.ts'

const secret = ['--secret', 'a secret of this cluster']

const strangers = [
  {
    what: 'with another secret',
    id: 'liar',
    args: ['--secret', 'another'],
    says: /"code":"wrong-secret","detail":"the secrets of \S+ and \S+ differ"/,
  },
  { what: 'without a secret', id: 'naked', args: [], says: /"code":"wrong-secret","detail":"node-1 has a secret, naked has none"/ },
  {
    what: 'with another election time-out',
    id: 'hasty',
    args: [...secret, '--election', '300-600'],
    says: /timing-differs: node-1 runs .*"electionMinMs\\?":500.* was given .*"electionMinMs\\?":300/,
  },
]

async function membersOf(cluster: ProcessCluster, node: NodeProcess): Promise<readonly string[]> {
  const { members } = await cluster.status(node)
  return members.map(({ name, incarnation, state }) => `${name}/${incarnation} ${state}`)
}

/** What a stranger must not change: who belongs to the cluster, and who votes in its groups. */
async function orderOf(cluster: ProcessCluster, node: NodeProcess): Promise<unknown> {
  const { clusterId, groups } = await cluster.status(node)
  const voters = groups.map((entry) => `${entry.group}: ${entry.voters.toSorted().join(' ')}`)
  return { clusterId, voters, members: await membersOf(cluster, node) }
}

async function strangerTo(cluster: ProcessCluster, id: string, args: readonly string[]): Promise<NodeProcess> {
  const [port] = await freePorts(1)
  return cluster.add({ id, address: `127.0.0.1:${port}`, voters: [], args })
}

test('a cluster forms from all of its voters and not from two of three, takes in a fourth node, and keeps strangers out', async (t) => {
  await using cluster = await ProcessCluster.prepare({ args: [...secret, '--slots', '4'] })
  const [first, second, third] = cluster.nodes as [NodeProcess, NodeProcess, NodeProcess]
  using client = new RegisterClient()

  await t.test('no cluster forms from two of three', async () => {
    first.start()
    second.start()
    const awaited = `waiting for ${third.options.address}"`
    await until('both wait for the third alone', () => first.output.includes(awaited) && second.output.includes(awaited))
    const isUnformed = async (): Promise<boolean> => {
      const statuses = await Promise.all([cluster.status(first), cluster.status(second)])
      return statuses.every(({ clusterId, groups }) => clusterId === null && groups.length === 0)
    }
    // Ten rounds of asking around.
    await throughout('neither belongs to a cluster', isUnformed, 2_000)
    assert.equal((await client.add(first, 'key')).type, 'refused')
  })

  await t.test('it forms when the third appears', async () => {
    third.start()
    await cluster.ready()
    await until(
      'all are active members',
      async () => (await membersOf(cluster, third)).filter((member) => member.endsWith(' active')).length === 3,
    )
    const ids = new Set([...(await cluster.statuses()).values()].map(({ clusterId }) => clusterId))
    assert.equal(ids.size, 1)
    assert.match([...ids].join(), /^[0-9a-f]{32}$/)
  })

  await t.test('a fourth node joins by its seeds, and serves the same registers', async () => {
    const fourth = await strangerTo(cluster, 'node-4', [...secret, '--seeds', second.options.address])
    for (let key = 0; key < 8; key++) assert.equal((await client.add(first, `key-${key}`)).type, 'answered')
    fourth.start()
    await until('the fourth is an active member on every node', async () => {
      const views = await Promise.all(cluster.nodes.map((node) => membersOf(cluster, node)))
      return views.every((members) => members.length === 4 && members.every((member) => member.endsWith(' active')))
    })
    // Without --slots: how many there are it has from the cluster.
    for (let key = 0; key < 8; key++) assert.deepEqual(await client.read(fourth, `key-${key}`), { type: 'answered', value: 1, done: true })
    await until('its share of the replicas has moved there', async () => (await cluster.status(fourth)).groups.length > 1, 30_000)
    await until('every node has its share, and every replica is one of three voters', async () => {
      const statuses = [...(await cluster.statuses()).values()]
      const shares = statuses.map(({ groups }) => groups.filter(({ group }) => group > 0))
      const isSettled = shares.flat().every(({ replica, voters, changing }) => !changing && voters.length === 3 && voters.includes(replica))
      return isSettled && shares.length === 4 && shares.every((share) => share.length === 3)
    })
  })

  await keepStrangersOut(t, cluster, client)
})

async function keepStrangersOut(t: TestContext, cluster: ProcessCluster, client: RegisterClient): Promise<void> {
  const [first] = cluster.nodes as [NodeProcess]
  for (const { what, id, args, says } of strangers) {
    await t.test(`a node ${what} is refused, says why, and harms nothing`, async () => {
      const before = await orderOf(cluster, first)
      const stranger = await strangerTo(cluster, id, [...args, '--seeds', first.options.address])
      stranger.start()
      await until(`${id} says why`, () => says.test(stranger.output))
      assert.equal((await client.add(first, 'key')).type, 'answered')
      assert.equal((await cluster.status(stranger)).clusterId, null)
      assert.deepEqual(await orderOf(cluster, first), before)
      await stranger.kill('SIGKILL')
    })
  }

  await t.test('a node of another cluster is refused, says why, and harms nothing', async () => {
    const [port] = await freePorts(1)
    const address = `127.0.0.1:${port}`
    const foreign = cluster.add({ id: 'foreign', address, voters: [address], args: secret })
    foreign.start()
    const leads = async (): Promise<boolean> => (await cluster.status(foreign)).groups.some(({ role }) => role === 'leader')
    await until('it has formed a cluster of its own', leads)
    const before = await orderOf(cluster, first)
    const ids = [(await cluster.status(first)).clusterId, '[0-9a-f]{32}'].join('|')
    const saysWhy = (): boolean => new RegExp(`"code":"other-cluster","detail":"clusters (${ids}) and (${ids})"`).test(foreign.output)
    // Seeds are asked only until it knows its own cluster again: one that stands still just then says nothing.
    for (let starts = 0; !saysWhy(); starts++) {
      assert.ok(starts < 5, 'it says why')
      await foreign.kill('SIGTERM')
      foreign.start(['--seeds', first.options.address])
      await until('it says why, or leads itself', async () => saysWhy() || (await leads()))
    }
    assert.equal((await client.add(first, 'key')).type, 'answered')
    assert.deepEqual(await orderOf(cluster, first), before)
    assert.notEqual((await cluster.status(foreign)).clusterId, (await cluster.status(first)).clusterId)
  })
}
