import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Entry } from '#core/raft/types.ts'
import type { NodeKey } from '#ports/transport.ts'
import { encodeRegisterCommand } from '#services/register/register-machine.ts'
import { encodeCommand } from '#wire/command.ts'
import type { PeerResponse, ProposalOutcome } from '#wire/peer-message.ts'
import { ElectionTimer } from './election-timer.ts'
import type { ServiceHooks } from './node-config.ts'
import { RoundTimer } from './round-timer.ts'
import { ServicePort } from './service-port.ts'
import { replicaOn, World } from '#test/harness/runtime-world.ts'

const group = 1
const self = (name: string): NodeKey => ({ name, incarnation: `i${name}` })

const portOf = (world: World, name: string, asked: ServiceHooks['asked'] | null = null): ServicePort =>
  new ServicePort(
    world.get(name).host,
    self(name),
    asked === null ? undefined : { roleChanged() {}, advanced() {}, asked },
    () => new Uint8Array(0),
  )

const founded = (): { readonly world: World; readonly leader: string } => {
  const world = new World({ names: ['a', 'b', 'c'] })
  world.found(group)
  return { world, leader: world.elect(group) }
}

test('a replica may act as the leader once its machine has an entry of its own term, and as long as it leads', () => {
  const world = new World({ names: ['a', 'b', 'c'] })
  world.found(group)
  let seen = 0
  world.until('somebody leads', () => {
    for (const name of world.leaders(group)) {
      const { raft, applier } = world.replica(name, group)
      equal(portOf(world, name).leadership(group) !== null, applier.last.term === raft.term)
      seen++
    }
    return seen > 3
  })
  const leader = world.elect(group)
  const leadership = portOf(world, leader).leadership(group)
  ok(leadership !== null)
  equal(leadership.term, world.replica(leader, group).raft.term)
  world.run(1_000)
  const later = portOf(world, leader).leadership(group)
  ok(later !== null && later.leaseUntil > later.now, 'its lease is renewed')
  ok(Math.abs(later.machineTime - leadership.machineTime - 1_000) < 20, 'machine time passes as time does')
  for (const { name } of world.nodes) if (name !== leader) equal(portOf(world, name).leadership(group), null)
  for (const { name } of world.nodes) equal(portOf(world, name).leaderOf(group), leader)
})

test('what an entry is stamped with is not before what was told', () => {
  const { world, leader } = founded()
  world.run(500)
  const told = portOf(world, leader).leadership(group)?.machineTime ?? Infinity
  const outcomes: ProposalOutcome[] = []
  portOf(world, leader).propose(group, encodeRegisterCommand({ type: 'add', key: 'k', by: 1 }), (outcome) => outcomes.push(outcome))
  world.until('it is applied', () => outcomes.length === 1)
  equal(outcomes[0]?.type, 'applied')
  ok(world.replica(leader, group).applier.last.time >= told)
})

test('a proposal to a replica that does not lead is certainly not in a log, nor is one to none', () => {
  const { world, leader } = founded()
  const follower = world.nodes.find(({ name }) => name !== leader)?.name ?? ''
  const outcomes: ProposalOutcome[] = []
  const body = encodeRegisterCommand({ type: 'add', key: 'k', by: 1 })
  portOf(world, follower).propose(group, body, (outcome) => outcomes.push(outcome))
  portOf(world, follower).propose(9, body, (outcome) => outcomes.push(outcome))
  world.run(50)
  deepEqual(
    outcomes.map((outcome) => outcome.type === 'refused' && outcome.code),
    ['no-such-group', 'not-leader'],
  )
})

test('a node asks its own service as it asks that of others, and a node without one refuses', () => {
  const { world } = founded()
  const answers: (string | null)[] = []
  const done = (answer: Uint8Array | null): void => void answers.push(answer === null ? null : [...answer].join())
  const asked: ServiceHooks['asked'] = (to, question, answer) => answer(new Uint8Array([to, ...question]))
  portOf(world, 'a', asked).ask('a', 7, new Uint8Array([1, 2]), { timeoutMs: 100, done })
  portOf(world, 'a').ask('a', 7, new Uint8Array([1, 2]), { timeoutMs: 100, done })
  world.run(10)
  deepEqual(answers, ['7,1,2', null])
  const responses: PeerResponse[] = []
  world.get('a').host.storageFailed({ type: 'failed', code: 'io-error', detail: 'gone' })
  portOf(world, 'a', asked).answer({ type: 'service', group: 7, question: new Uint8Array(0) }, (response) => responses.push(response))
  equal(responses[0]?.type === 'refused' && responses[0].code, 'halted')
})

test('a node reads entries of the own log, and none where it has no replica or its store fails', () => {
  const { world, leader } = founded()
  const body = encodeRegisterCommand({ type: 'add', key: 'k', by: 1 })
  const outcomes: ProposalOutcome[] = []
  portOf(world, leader).propose(group, body, (outcome) => outcomes.push(outcome))
  world.until('it is applied', () => outcomes.length === 1)
  const { index } = world.replica(leader, group).applier.last
  const read: (Entry | null)[] = []
  const port = portOf(world, leader)
  port.readEntry(group, index, (entry) => read.push(entry))
  port.readEntry(group, logIndex(index + 1), (entry) => read.push(entry))
  port.readEntry(9, index, (entry) => read.push(entry))
  world.until('all are answered', () => read.length === 3)
  equal(read[0]?.index, index)
  deepEqual(read[0]?.payload, { type: 'command', bytes: encodeCommand({ type: 'anonymous', body }) })
  deepEqual(read.slice(1), [null, null])
})

test('what was applied is read, though the store still has what a newer leader has replaced there, or nothing yet', () => {
  for (const stored of ['replaced', 'nothing'] as const) {
    const world = new World({
      names: ['a', 'b', 'c'],
      store: (own) => ({
        ...own,
        readEntry: (id, index, done) =>
          own.readEntry(id, index, (read) =>
            done(
              stored === 'nothing' || read === null || 'type' in read
                ? null
                : { ...read, term: term(0), payload: { type: 'command', bytes: new Uint8Array(1) } },
            ),
          ),
      }),
    })
    world.found(group)
    const leader = world.elect(group)
    const body = encodeRegisterCommand({ type: 'add', key: 'k', by: 1 })
    const outcomes: ProposalOutcome[] = []
    portOf(world, leader).propose(group, body, (outcome) => outcomes.push(outcome))
    world.until('it is applied', () => outcomes.length === 1)
    const read: (Entry | null)[] = []
    portOf(world, leader).readEntry(group, world.replica(leader, group).applier.last.index, (entry) => read.push(entry))
    world.until('it is answered', () => read.length === 1)
    deepEqual(read[0]?.payload, { type: 'command', bytes: encodeCommand({ type: 'anonymous', body }) })
  }
})

test('what was not applied is not read: whoever leads next may have another entry there', () => {
  const { world, leader } = founded()
  for (const { name } of world.nodes) if (name !== leader) world.crash(name)
  const before = world.replica(leader, group).applier.last.index
  portOf(world, leader).propose(group, encodeRegisterCommand({ type: 'add', key: 'k', by: 1 }), () => {})
  world.run(20)
  equal(world.replica(leader, group).raft.entryAt(logIndex(before + 1))?.payload.type, 'command')
  const read: (Entry | null)[] = []
  portOf(world, leader).readEntry(group, logIndex(before + 1), (entry) => read.push(entry))
  world.until('it is answered', () => read.length === 1)
  deepEqual(read, [null])
})

test('an election is over when a leader is known again', () => {
  const timer = new ElectionTimer()
  const change = (leader: string | null) =>
    ({ role: 'follower', term: term(1), leader: leader === null ? null : replicaOn(leader) }) as const
  equal(timer.changed(1, change('a'), millis(0)), null)
  equal(timer.changed(1, change(null), millis(100)), null)
  equal(timer.changed(1, change(null), millis(200)), null)
  equal(timer.changed(2, change('a'), millis(250)), null)
  equal(timer.changed(1, change('b'), millis(400)), 300)
  equal(timer.changed(1, change('b'), millis(500)), null)
})

test('a round is measured from its append to its own entry, and only if that comes', () => {
  const timer = new RoundTimer()
  equal(
    timer.applied(logIndex(1), () => millis(1)),
    null,
  )
  timer.began(logIndex(5), millis(10))
  timer.began(logIndex(6), millis(11))
  equal(
    timer.applied(logIndex(4), () => millis(12)),
    null,
  )
  equal(
    timer.applied(logIndex(5), () => millis(13)),
    3,
  )
  timer.began(logIndex(7), millis(20))
  timer.abandon()
  equal(
    timer.applied(logIndex(7), () => millis(21)),
    null,
  )
})
