import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { millis, wallMillis } from '#base/brand.ts'
import type { Millis } from '#base/brand.ts'
import { ClusterMachine } from '#core/cluster/machine.ts'
import type { Command, Formation } from '#core/cluster/types.ts'
import type { PeerRequest, PeerResponse } from '#wire/peer-message.ts'
import { metaGroup } from './meta-machine.ts'
import { Steward } from './steward.ts'
import { timing, World } from '#test/harness/runtime-world.ts'

const deadAfterMs = 20_000
const three = ['a', 'b', 'c']
const formation: Formation = {
  clusterId: 'x',
  recovery: null,
  members: three.map((name) => ({ name, incarnation: `i${name}`, address: name })),
  slots: 1,
  replication: 3,
  timing,
}

type Answer = (request: PeerRequest) => PeerResponse | null

/** A steward on a node that leads a real meta group; who is heard, and what it proposes and asks, is the test's. */
function stewarding(answer: Answer = () => null) {
  const world = new World({ names: three })
  world.found(metaGroup)
  const name = world.elect(metaGroup)
  const { machine, self } = world.get(name)
  const cluster = new ClusterMachine()
  cluster.apply({ type: 'form', formation }, { index: 1, time: millis(0), wall: wallMillis(0), version: 1 })
  const proposed: Command[] = []
  const asked: PeerRequest[] = []
  const heard = new Map<string, Millis>()
  const steward = new Steward(
    {
      clock: machine,
      submit: (command, then) => {
        proposed.push(command)
        then(null)
      },
      ask: (_to, request, done) => {
        asked.push(request)
        const isOfMeta = request.type === 'group-status' && request.group === metaGroup
        const status = isOfMeta ? world.replica(name, metaGroup).status() : null
        machine.soon(() => done(status === null ? answer(request) : { type: 'group-status', status }))
      },
      heardAt: (node) => heard.get(node.name) ?? null,
    },
    { self, deadAfterMs },
  )
  const others = three.filter((other) => other !== name)
  return {
    others,
    asked,
    apply: (command: Command) => cluster.apply(command, { index: 2, time: millis(0), wall: wallMillis(0), version: 1 }),
    hear: (...names: readonly string[]) => names.forEach((each) => heard.set(each, machine.now())),
    /** Rounds as a citizen has them, for so long. */
    rounds: (ms: number): string[] => {
      proposed.length = 0
      for (let passed = 0; passed < ms; passed += 500) {
        world.run(500)
        steward.round(world.replica(name, metaGroup), present(cluster.state, 'it was formed'), formation)
      }
      return [
        ...new Set(
          proposed.flatMap((command) => (command.type.startsWith('mark-') && 'name' in command ? [`${command.type} ${command.name}`] : [])),
        ),
      ]
    },
    pause: (ms: number) => world.run(ms),
    listenAnew: () => steward.listenAnew(),
  }
}

test('who is silent for long is marked dead, and alive as soon as it is heard again', () => {
  const { others, hear, rounds, apply } = stewarding()
  const [silent = '', loud = ''] = others
  for (let seconds = 0; seconds < 19; seconds++) {
    hear(loud)
    deepEqual(rounds(1_000), [])
  }
  hear(loud)
  deepEqual(rounds(3_000), [`mark-dead ${silent}`])
  apply({ type: 'mark-dead', name: silent, incarnation: `i${silent}` })
  hear(loud)
  deepEqual(rounds(3_000), [], 'a dead one that is silent stays dead')
  hear(loud, silent)
  deepEqual(rounds(500), [`mark-alive ${silent}`])
})

test('a steward that was paused, or that has only begun, does not take its own silence for that of the others', () => {
  const { rounds, pause, listenAnew, others, hear } = stewarding()
  hear(...others)
  pause(2 * deadAfterMs)
  deepEqual(rounds(2_000), [])
  listenAnew()
  deepEqual(rounds(deadAfterMs - 2_000), [])
  deepEqual(
    rounds(4_000),
    others.map((name) => `mark-dead ${name}`),
  )
})

for (const [said, response, learners] of [
  ['that it is', { type: 'done' }, 1],
  ['that it was told so before, to which nothing came', { type: 'refused', code: 'removed', detail: '', leader: null }, 0],
] as const) {
  test(`decision R8: whoever is to follow the meta group answers ${said}, and its configuration gets ${learners} more and another index`, () => {
    const { others, apply, hear, rounds, asked } = stewarding(({ type }) => (type === 'host-group' ? response : null))
    apply({ type: 'join', name: 'd', incarnation: 'id', address: 'd', version: 1, timing })
    hear(...others, 'd')
    rounds(1_000)
    const hosted = asked.find((request) => request.type === 'host-group')
    const changed = asked.find((request) => request.type === 'change-membership')
    deepEqual([changed?.group, changed?.voters.length, changed?.expectedIndex], [metaGroup, 3, hosted?.decidedAt])
    deepEqual(changed?.learners, learners === 0 ? [] : [hosted?.replica])
  })
}
