import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePorts } from '#test/harness/free-ports.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { ProcessCluster } from '#test/harness/process-cluster.ts'
import { RegisterClient } from '#test/harness/register-client.ts'
import { until } from '#test/harness/until.ts'

/** A cluster of one, and whatever a test puts beside it. */
async function alone(): Promise<{ readonly cluster: ProcessCluster; readonly node: NodeProcess }> {
  const { folder } = await ProcessCluster.prepare()
  const [port] = await freePorts(1)
  const address = `127.0.0.1:${port}`
  const cluster = ProcessCluster.of(folder, [{ id: 'node-1', address, voters: [address], folder, args: ['--log-level', 'warn'] }])
  const node = cluster.nodes[0] as NodeProcess
  node.start()
  await until('it leads itself', () => leads(cluster, node))
  return { cluster, node }
}

async function leads(cluster: ProcessCluster, node: NodeProcess): Promise<boolean> {
  const { groups } = await cluster.status(node)
  return groups.some(({ group, role }) => group === 1 && role === 'leader')
}

test('a second process on the same data folder is refused, and told which process has it', async () => {
  const { cluster, node } = await alone()
  await using owned = cluster
  const [port] = await freePorts(1)
  const second = owned.add({ id: 'node-1', address: `127.0.0.1:${port}`, voters: [] })
  second.start()
  assert.deepEqual(await second.ended(), { code: 4, signal: null })
  assert.match(second.output, new RegExp(`process ${node.pid} has this store \\(.*store\\.lock\\)`))
  using client = new RegisterClient()
  assert.deepEqual(await client.add(node, 'key'), { type: 'answered', value: 1, done: true })
})

test('another name on the same data folder is refused', async () => {
  const { cluster, node } = await alone()
  await using owned = cluster
  await node.kill('SIGTERM')
  const impostor = owned.add({ ...node.options, id: 'node-9', data: node.data })
  impostor.start()
  assert.deepEqual(await impostor.ended(), { code: 4, signal: null })
  assert.match(impostor.output, /the store belongs to node-1, not to node-9/)
})

test('a node of another service on the same data folder is refused', async () => {
  const { cluster, node } = await alone()
  await using owned = cluster
  await node.kill('SIGTERM')
  const other = owned.add({ ...node.options, service: 'lock', data: node.data })
  other.start()
  assert.deepEqual(await other.ended(), { code: 4, signal: null })
  assert.match(other.output, /the store is that of a register node, and this is to be a lock node/)
})

test('a taken port is named, with exit code 5', async () => {
  await using cluster = await ProcessCluster.prepare()
  const [node] = cluster.nodes as [NodeProcess]
  const taker = createServer()
  await new Promise<void>((resolve) => {
    taker.listen(node.port, '127.0.0.1', resolve)
  })
  node.start()
  assert.deepEqual(await node.ended(), { code: 5, signal: null })
  assert.match(
    node.output,
    new RegExp(`^lockstep: node-1 cannot listen on 127\\.0\\.0\\.1:${node.port}: another process listens there already`),
  )
  assert.doesNotMatch(node.output, /\n {4}at /, 'no stack')
  await new Promise((resolve) => {
    taker.close(resolve)
  })
})

const witness = 'witness-of-damage'

/** Flips a bit in those places of a file that hold the witness and are wanted. */
function flip(path: string, wanted: (places: readonly number[]) => readonly number[]): void {
  const bytes = readFileSync(path)
  const places: number[] = []
  for (let at = bytes.indexOf(witness); at >= 0; at = bytes.indexOf(witness, at + 1)) places.push(at)
  const flipped = wanted(places)
  assert.ok(flipped.length > 0, `the records are where they are looked for: ${path}`)
  for (const at of flipped) bytes[at + 3] = (bytes[at + 3] as number) ^ 0xff
  writeFileSync(path, bytes)
}

function assertRefusedAsDamaged(node: NodeProcess, said: number): void {
  assert.deepEqual(node.ending, { code: 3, signal: null })
  const message = node.output.slice(said)
  assert.match(message, /^lockstep: the store is damaged: /)
  assert.match(message, /keep a copy of .*, move it away, and let the node join again as a new replica/)
}

test('a store with flipped bytes is refused with exit code 3 and a word on what to do', async () => {
  const { cluster, node } = await alone()
  await using _ = cluster
  using client = new RegisterClient()
  for (let turn = 0; turn < 50; turn++) assert.equal((await client.add(node, witness)).type, 'answered')
  await node.kill('SIGTERM')
  flip(join(node.data, 'data.mdb'), (places) => places)
  const said = node.output.length
  node.start()
  await node.ended()
  assertRefusedAsDamaged(node, said)
})

test('a journal with flipped bytes before its end is refused in the same way', async () => {
  const { cluster, node } = await alone()
  await using _ = cluster
  using client = new RegisterClient()
  await client.add(node, witness)
  // A record that a checkpoint has taken already is not read again, and how soon the next one comes is not for a test to say.
  for (let attempt = 0; attempt < 10; attempt++) {
    for (let turn = 0; turn < 5; turn++) assert.equal((await client.add(node, witness)).type, 'answered')
    await node.kill('SIGKILL')
    const journal = readdirSync(node.data).find((name) => name.startsWith('journal-')) ?? 'none'
    flip(join(node.data, journal), (places) => places.slice(-3, -2))
    const said = node.output.length
    node.start()
    await until('it is refused or leads', async () => !node.running || (await leads(cluster, node)))
    if (!node.running) {
      assertRefusedAsDamaged(node, said)
      return
    }
  }
  assert.fail('damage was never found')
})

test('wrong flags are all named at once, with exit code 2', async () => {
  await using cluster = await ProcessCluster.prepare()
  const args = ['--slots', '0', '--election', '9-1', '--secrt', 'x', '--log-level', 'loud', '--seeds', 'nowhere', 'stray']
  const node = cluster.add({ id: '-', address: 'here', voters: ['a'], args })
  node.start()
  assert.deepEqual(await node.ended(), { code: 2, signal: null })
  for (const flag of ['--id', '--listen', '--join', '--slots', '--election', '--secrt', '--log-level', '--seeds', '"stray"']) {
    assert.ok(node.output.includes(flag), `${flag} is named in:\n${node.output}`)
  }
})
