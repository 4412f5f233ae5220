import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { logIndex, replicaId } from '#core/raft/types.ts'
import { PeerService } from '#runtime/peer-service.ts'
import type { PeerResponse } from '#wire/peer-message.ts'
import { OneHost } from './one-host.ts'

const group = 1
const peer = { name: 'n2', incarnation: '2' }
const initial = { voters: [replicaId('n2/2/0')], outgoing: [], learners: [] }

test('decision R8: an order to host a replica that is older than what was decided since is refused', () => {
  const one = new OneHost()
  const service = new PeerService(one.host, one.self)
  const answerTo = (request: Parameters<PeerService['answer']>[1]): string => {
    let answer: PeerResponse | null = null
    service.answer(peer, request, (response) => {
      answer = response
    })
    one.run(100)
    const { type, code } = (answer ?? { type: 'none' }) as { type: string; code?: string }
    return code ?? type
  }
  const host = (generation: number, decidedAt: number): string => {
    const replica = replicaId(`n1/1/${generation}`)
    return answerTo({ type: 'host-group', group, replica, initial, decidedAt: logIndex(decidedAt) })
  }
  equal(host(1, 5), 'done')
  equal(host(1, 5), 'done', 'the same order again is harmless')
  equal(host(2, 4), 'removed', 'an older decision does not replace the replica')
  equal(host(2, 8), 'done')
  equal(answerTo({ type: 'drop-group', group, replica: replicaId('n1/1/2'), givesUp: false }), 'done')
  deepEqual([...one.host.groups.keys()], [])
  equal(host(1, 5), 'removed', 'nor does it bring back one that was given up')
  equal(host(2, 8), 'removed')
  equal(host(3, 9), 'done')
})
