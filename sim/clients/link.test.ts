import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientChannel, ClientHost } from '#ports/client.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { lockClients } from '#wire/client-codec.ts'
import type { ClientMessage, ServerMessage } from '#wire/client-message.ts'
import { SimLink } from './link.ts'

/** One client and one node, a millisecond apart. */
class Scene {
  readonly scheduler = new Scheduler()
  readonly client = new Machine('client', this.scheduler, { touched() {} })
  readonly node = new Machine('node', this.scheduler, { touched() {} })
  readonly story: string[] = []
  readonly channels: ClientChannel[] = []
  isUp = true
  isOver = false

  dial(): SimLink<ClientMessage, ServerMessage> {
    const say = (line: string): void => void this.story.push(line)
    const host: ClientHost = {
      protocol: lockClients,
      welcome: () => ({ clusterId: 'c', node: 'node', software: 's', members: [], leader: null }),
      serve: (channel) => {
        this.channels.push(channel)
        return { received: (message) => say(`node hears ${'call' in message ? message.call : ''}`), gone: () => say('client is gone') }
      },
    }
    return new SimLink<ClientMessage, ServerMessage>(
      {
        scheduler: this.scheduler,
        delayMs: () => 1,
        node: () => (this.isUp ? { machine: this.node, host } : null),
        asRead: { byNode: (message) => message, byClient: (message) => message },
        over: () => void (this.isOver = true),
      },
      {
        address: 'node:1',
        machine: this.client,
        events: { up: () => say('up'), message: ({ type }) => say(`client hears ${type}`), down: (reason) => say(reason) },
      },
    )
  }

  run(ms: number): readonly string[] {
    this.story.length = 0
    this.scheduler.run(this.scheduler.now + ms, () => {})
    return this.story
  }
}

const ask = (call: number): ClientMessage => ({ type: 'query', call, query: { type: 'deadlocks' } })

test('what was sent arrives in order, both ways', () => {
  const scene = new Scene()
  const link = scene.dial()
  deepEqual(scene.run(2), ['up'])
  link.toNode.slow(50)
  for (const call of [1, 2]) link.send(ask(call))
  scene.channels[0]?.send({ type: 'going' })
  deepEqual(scene.run(49), ['client hears going'])
  deepEqual(scene.run(1), ['node hears 1', 'node hears 2'])
})

test('a link that breaks loses what is under way, and both ends are told', () => {
  const scene = new Scene()
  const link = scene.dial()
  scene.run(2)
  link.send(ask(1))
  scene.run(1)
  link.send(ask(2))
  link.break()
  deepEqual(scene.run(10), ['lost: reset', 'client is gone'])
  equal(scene.isOver, true)
})

test('an end that hears nothing for some seconds gives up, and one whose process stood still does not blame the other', () => {
  const lost = new Scene()
  const link = lost.dial()
  lost.run(2)
  link.toClient.die()
  deepEqual(lost.run(10_000), ['silent: nothing was heard for too long', 'client is gone'])
  const paused = new Scene()
  paused.dial()
  paused.run(2)
  for (const machine of [paused.client, paused.node]) machine.pause()
  deepEqual(paused.run(60_000), [])
  for (const machine of [paused.client, paused.node]) machine.resume()
  deepEqual(paused.run(10_000), [])
})

test('a node that is down refuses, one that stands still lets the client wait, and one that is dead is missed', () => {
  const down = new Scene()
  down.isUp = false
  down.dial()
  deepEqual(down.run(10), ['ECONNREFUSED'])
  const still = new Scene()
  still.node.pause()
  still.dial()
  deepEqual(still.run(2_000), ['timed-out: no greeting came in time'])
  const dead = new Scene()
  const link = dead.dial()
  dead.run(2)
  dead.node.crash()
  link.forgetDead()
  deepEqual(dead.run(10_000), ['silent: nothing was heard for too long'])
})

test('whoever ends a link is heard of by the other end', () => {
  const byClient = new Scene()
  const link = byClient.dial()
  byClient.run(2)
  link.close()
  deepEqual(byClient.run(10), ['client is gone'])
  const byNode = new Scene()
  byNode.dial()
  byNode.run(2)
  byNode.channels[0]?.close('stopping', 'bye')
  deepEqual(byNode.run(10), ['stopping: bye'])
  equal(byNode.isOver, true)
})
