import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { after, before, test } from 'node:test'
import { NineNodes, services } from '#test/harness/nine-nodes.ts'
import type { Recovery } from '#test/harness/nine-nodes.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { pause } from '#test/harness/promises/lane.ts'
import { SmallDisk } from '#test/harness/small-disk.ts'

const told = (recovery: Recovery): string => services.map((service) => `${service} ${recovery[service].toFixed(0)} ms`).join(', ')

interface Fault {
  readonly what: string
  /** Brings it about, and resolves when it is there; `since` is when it began. */
  readonly inject: () => Promise<void> | void
  /** How long it stays, at least. */
  readonly stayMs?: number
  readonly mend: () => Promise<void> | void
}

/** Under a fault and after it everything goes on, and no promise is broken. */
async function survives(t: TestContext, { what, inject, stayMs = 0, mend }: Fault): Promise<void> {
  const since = performance.now()
  await inject()
  const under = await world.recovered(since)
  await pause(Math.max(0, stayMs - (performance.now() - since)))
  const mendedAt = performance.now()
  await mend()
  await world.ready()
  const again = await world.recovered(mendedAt)
  t.diagnostic(`${what}: works again after ${told(under)}; once mended after ${told(again)}`)
  assert.deepEqual(await world.judge(), [])
}

async function killed(nodes: readonly NodeProcess[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill('SIGKILL')))
}

function startAll(nodes: readonly NodeProcess[]): void {
  for (const node of nodes) node.start()
}

/** Of every cluster the node that leads the most. */
const leaders = async (): Promise<readonly NodeProcess[]> => {
  const found: NodeProcess[] = []
  for (const service of services) found.push(await world.leader(service))
  return found
}

const world = await NineNodes.prepare()
const [ofSmallDisk] = world.clusters.queue.nodes as [NodeProcess]
const disk = SmallDisk.at(ofSmallDisk.data, 192)
before(() => world.start(), { timeout: 200_000 })
after(async () => {
  // Who still uses it keeps it, and the folder it was mounted in can go.
  disk?.[Symbol.dispose]()
  await world[Symbol.asyncDispose]()
})

for (const service of services) {
  test(`kill -9 of a ${service} node that leads breaks no promise`, async (t) => {
    const victims = [await world.leader(service)]
    await survives(t, { what: `kill -9 of a ${service} node`, inject: () => killed(victims), mend: () => startAll(victims) })
  })
}

test('kill -9 of two nodes of different clusters breaks no promise', async (t) => {
  const victims = [await world.leader('lock'), await world.leader('cache')]
  await survives(t, { what: 'kill -9 of two nodes', inject: () => killed(victims), mend: () => startAll(victims) })
})

test('kill -9 of all nine nodes breaks no promise', async (t) => {
  const inject = async (): Promise<void> => {
    await killed(world.nodes)
    startAll(world.nodes)
  }
  await survives(t, { what: 'kill -9 of all nine', inject, mend: () => {} })
})

test('SIGSTOP of a node that leads, of each cluster, for ten seconds breaks no promise', async (t) => {
  const victims = await leaders()
  const signal = (name: NodeJS.Signals) => (): void => {
    for (const victim of victims) victim.signal(name)
  }
  await survives(t, { what: 'SIGSTOP for 10 s', inject: signal('SIGSTOP'), stayMs: 10_000, mend: signal('SIGCONT') })
})

test('a node that leads, hears the others and is not heard, of each cluster, breaks no promise', async (t) => {
  const victims = await leaders()
  const inject = (): void => {
    for (const { id } of victims) world.network.mute(id)
  }
  await survives(t, { what: 'one direction cut', inject, stayMs: 3_000, mend: () => world.network.heal() })
})

test('a full disk ends its node, which comes back with all it had', async (t) => {
  if (disk === null) return t.skip('a small disk can only be mounted as root')
  const inject = async (): Promise<void> => {
    disk.fill(16 * 1024 * 1024)
    await ofSmallDisk.ended()
    assert.match(ofSmallDisk.output, /disk-full/)
  }
  const mend = (): void => {
    disk.free()
    ofSmallDisk.start()
  }
  await survives(t, { what: 'disk full', inject, mend })
})

test('work was done all the while, and every node runs', (t) => {
  t.diagnostic(world.account)
  for (const node of world.nodes) assert.ok(node.running, `${node.id} runs`)
})
