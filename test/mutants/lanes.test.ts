import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { logIndex, replicaId, term } from '#core/raft/types.ts'
import type { Message } from '#core/raft/types.ts'
import { Outbox } from '#runtime/outbox.ts'
import { OneHost } from './one-host.ts'

const addressed = { from: replicaId('n1/1/0'), to: replicaId('n2/2/0'), term: term(3) }
const end = { lastIndex: logIndex(0), lastTerm: term(0) }

function lanesOf(...messages: readonly Message[]): readonly string[] {
  const { machine, transport } = new OneHost()
  const outbox = new Outbox(machine, transport)
  for (const message of messages) outbox.add(1, message)
  outbox.flush()
  return transport.sent.map(({ lane, message }) => `${message.type === 'raft' ? message.message.type : message.type} ${lane}`)
}

test('decision R7: heartbeats and their answers take the urgent lane', () => {
  const beat: Message = { ...addressed, type: 'heartbeat', commit: logIndex(0), round: 1, restMs: 0 }
  const ack: Message = { ...addressed, type: 'heartbeat-ack', match: logIndex(0), round: 1 }
  deepEqual(lanesOf(beat, ack), ['heartbeats urgent', 'heartbeat-acks urgent'])
})

test('decision R7: votes and what decides about leadership take the urgent lane, the log takes the other', () => {
  const lanes = lanesOf(
    { ...addressed, ...end, type: 'vote-request', force: false },
    { ...addressed, type: 'vote-response', granted: true },
    { ...addressed, ...end, type: 'pre-vote-request' },
    { ...addressed, type: 'pre-vote-response', granted: true },
    { ...addressed, type: 'timeout-now' },
    { ...addressed, type: 'stale-term' },
    { ...addressed, type: 'append-ack', match: logIndex(0) },
  )
  deepEqual(lanes, [
    'vote-request urgent',
    'vote-response urgent',
    'pre-vote-request urgent',
    'pre-vote-response urgent',
    'timeout-now urgent',
    'stale-term urgent',
    'append-ack bulk',
  ])
})
