import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { after, before, test } from 'node:test'
import { NineNodes, services } from '#test/harness/nine-nodes.ts'
import type { Recovery } from '#test/harness/nine-nodes.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { pause } from '#test/harness/promises/lane.ts'
import { SmallDisk } from '#test/harness/small-disk.ts'
import { until } from '#test/harness/until.ts'

const told = (recovery: Recovery): string => services.map((service) => `${service} ${recovery[service].toFixed(0)} ms`).join(', ')

interface Fault {
  readonly what: string
  /** Brings it about, and resolves when it is there; `since` is when it began. */
  readonly inject: () => Promise<void> | void
  /** How long it stays, at least. */
  readonly stayMs?: number
  readonly mend: () => Promise<void> | void
  /** Nobody can keep a lease alive until it is mended. */
  readonly leavesNobody?: boolean
}

/** What is left of a lease of ten seconds when the next keep-alive is due: a tenth and 50 ms are not counted on. */
const leaseLeftMs = 10_000 * (1 - 0.1 - 1 / 3) - 50

/** Under a fault and after it everything goes on, no promise is broken, and no call of the library fails for good. */
async function survives(t: TestContext, { what, inject, stayMs = 0, mend, leavesNobody = false }: Fault): Promise<void> {
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
  const { lock: { lease_expired: expired = 0, ...lock } = {}, ...failed } = world.takeFailures()
  assert.deepEqual({ ...failed, lock }, { lock: {} }, 'no call fails for good')
  if (!leavesNobody || under.lock <= leaseLeftMs) assert.equal(expired, 0, 'leases outlive the fault')
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

const ranks = ['that leads the most', 'that leads fewer', 'that leads the fewest']

const world = await NineNodes.prepare()
const [ofSmallDisk] = world.clusters.queue.nodes as [NodeProcess]
const disk = SmallDisk.at(ofSmallDisk.data, 384)
before(() => world.start(), { timeout: 200_000 })
after(async () => {
  // Who still uses it keeps it, and the folder it was mounted in can go.
  disk?.[Symbol.dispose]()
  await world[Symbol.asyncDispose]()
})

for (const service of services) {
  for (const rank of [0, 1, 2]) {
    test(`kill -9 of a ${service} node, ${ranks[rank]}, breaks no promise`, async (t) => {
      const victims = [await world.leader(service, rank)]
      await survives(t, {
        what: `kill -9 of a ${service} node, ${ranks[rank]}`,
        inject: () => killed(victims),
        mend: () => startAll(victims),
      })
    })
  }
}

for (const [one, other] of [
  ['lock', 'queue'],
  ['lock', 'cache'],
  ['queue', 'cache'],
] as const) {
  test(`kill -9 of a ${one} node and a ${other} node breaks no promise`, async (t) => {
    const victims = [await world.leader(one), await world.leader(other)]
    await survives(t, { what: `kill -9 of a ${one} and a ${other} node`, inject: () => killed(victims), mend: () => startAll(victims) })
  })
}

test('kill -9 of all nine nodes breaks no promise', async (t) => {
  const inject = async (): Promise<void> => {
    await killed(world.nodes)
    startAll(world.nodes)
  }
  await survives(t, { what: 'kill -9 of all nine', inject, mend: () => {}, leavesNobody: true })
})

test('SIGSTOP of a node that leads, of each cluster, for ten seconds breaks no promise', async (t) => {
  const victims = await leaders()
  const signal = (name: NodeJS.Signals) => (): void => {
    for (const victim of victims) victim.signal(name)
  }
  await survives(t, { what: 'SIGSTOP for 10 s', inject: signal('SIGSTOP'), stayMs: 10_000, mend: signal('SIGCONT') })
})

for (const [what, cut] of [
  ['hears the others and is not heard', (id: string) => world.network.mute(id)],
  ['is heard and does not hear the others', (id: string) => world.network.deafen(id)],
] as const) {
  test(`a node that leads, ${what}, of each cluster, breaks no promise`, async (t) => {
    const victims = await leaders()
    const inject = (): void => {
      for (const { id } of victims) cut(id)
    }
    await survives(t, { what, inject, stayMs: 3_000, mend: () => world.network.heal() })
  })
}

/** What a call of the node with the small disk ends with. */
async function asked(
  path: string,
  body: object,
): Promise<{ readonly status: number; readonly answer: { readonly [field: string]: unknown } }> {
  const response = await fetch(`${ofSmallDisk.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  })
  return { status: response.status, answer: (await response.json()) as { readonly [field: string]: unknown } }
}

test('a disk with little room takes nothing new, gives what it has, and takes again once there is room', async (t) => {
  if (disk === null) return t.skip('a small disk can only be mounted as root')
  const queues = Array.from({ length: 24 }, (_, at) => `room-${at}`)
  const produced = async (queue: string): Promise<number> => (await asked('/produce', { queue, message: queue })).status
  const all = async (): Promise<readonly number[]> => Promise.all(queues.map(produced))
  assert.ok((await all()).every((status) => status < 300))
  disk.fill(100 * 1024 * 1024)
  await until('nothing new is taken', async () => (await all()).every((status) => status === 507))
  for (const queue of queues) {
    const consumed = await asked('/consume', { queue, consumer_id: 'reader', max: 1 })
    const [message] = consumed.answer['messages'] as readonly { readonly receipt: string }[]
    assert.ok(message !== undefined, `${queue} gives what it has`)
    assert.equal((await asked('/ack', { receipts: [message.receipt] })).status, 200)
  }
  assert.ok(ofSmallDisk.running)
  disk.free()
  await until('all are taken again', async () => (await all()).every((status) => status < 300))
  assert.deepEqual(await world.judge(), [])
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

test('every node runs in the end', (t) => {
  t.diagnostic(JSON.stringify(world.done))
  for (const node of world.nodes) assert.ok(node.running, `${node.id} runs`)
})
