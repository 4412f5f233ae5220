import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { logIndex, replicaId } from '#core/raft/types.ts'
import type { LogIndex, Message } from '#core/raft/types.ts'
import type { Raft } from '#core/raft/raft.ts'
import type { PeerMessage } from '#wire/peer-message.ts'
import { OneHost, timing } from './one-host.ts'

const peer = { name: 'n2', incarnation: '1' }
const groups = [1, 2]

/** The test answers for n2, which holds a replica of both groups; n3 is down. */
class Follower {
  readonly #one: OneHost
  readonly #match = new Map<number, LogIndex>()
  /** Groups it says nothing about. */
  readonly silent = new Set<number>()

  constructor(one: OneHost) {
    this.#one = one
  }

  run(ms: number): void {
    const end = this.#one.scheduler.now + ms
    while (this.#one.scheduler.now < end) {
      this.#one.run(5)
      for (const { to, message } of this.#one.transport.sent.splice(0)) if (to === peer.name) this.#answer(message)
    }
  }

  #answer(message: PeerMessage): void {
    if (message.type === 'heartbeats') {
      const acks = message.beats
        .filter(({ group }) => !this.silent.has(group))
        .map(({ group, from, to, term, round }) => ({
          group,
          from: to,
          to: from,
          term,
          round,
          match: this.#match.get(group) ?? logIndex(0),
        }))
      this.#one.host.message(peer, { type: 'heartbeat-acks', wall: message.wall, acks })
    } else if (message.type === 'raft' && !this.silent.has(message.group)) {
      const answer = this.#answerRaft(message.group, message.message)
      if (answer !== null) this.#one.host.message(peer, { type: 'raft', group: message.group, message: answer })
    }
  }

  #answerRaft(group: number, message: Message): Exclude<Message, { type: 'heartbeat' | 'heartbeat-ack' }> | null {
    const addressed = { from: message.to, to: message.from, term: message.term }
    if (message.type === 'pre-vote-request') return { ...addressed, type: 'pre-vote-response', granted: true }
    if (message.type === 'vote-request') return { ...addressed, type: 'vote-response', granted: true }
    if (message.type !== 'append') return null
    const match = logIndex(message.previousIndex + message.entries.length)
    this.#match.set(group, match)
    return { ...addressed, type: 'append-ack', match }
  }
}

test('decision R2: an answer that does not name a group prolongs neither its lease nor its leadership', () => {
  const one = new OneHost()
  const initial = { voters: ['n1/1/0', 'n2/1/0', 'n3/1/0'].map(replicaId), outgoing: [], learners: [] }
  for (const group of groups) one.host.create(group, { replica: one.replica, initial, decidedAt: logIndex(0) }, () => {})
  const follower = new Follower(one)
  const raft = (group: number): Raft => one.host.groups.get(group)?.raft as Raft
  follower.run(3 * timing.electionMaxMs)
  for (const group of groups) ok(raft(group).leaseUntil > one.machine.now(), `group ${group} has a leader with a lease`)
  follower.silent.add(1)
  follower.run(timing.leaseMs + timing.heartbeatMs)
  ok(raft(2).leaseUntil > one.machine.now())
  ok(raft(1).leaseUntil <= one.machine.now(), 'the lease of group 1 is over')
  follower.run(2 * timing.electionMaxMs)
  equal(raft(2).role, 'leader')
  ok(raft(1).role !== 'leader', 'and so is its leadership')
})
