import type { Heartbeat, HeartbeatAck, Message } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Lane, Transport } from '#ports/transport.ts'
import type { Beat, BeatAck } from '#wire/peer-message.ts'
import { nodeNameOf } from './replica-name.ts'

/**
 * Raft messages that leave at the end of the turn. The heartbeats of all groups to one node share one message, and so do their answers; each
 * names its group and term (decision R2). Votes, heartbeats and what decides about leadership go in the urgent lane (decision R7).
 */
export class Outbox {
  readonly #clock: Clock
  readonly #transport: Transport
  #messages: { readonly group: number; readonly message: Exclude<Message, Heartbeat | HeartbeatAck> }[] = []
  readonly #beats = new Map<string, Beat[]>()
  readonly #acks = new Map<string, BeatAck[]>()

  constructor(clock: Clock, transport: Transport) {
    this.#clock = clock
    this.#transport = transport
  }

  add(group: number, message: Message): void {
    const { from, to, term } = message
    if (message.type === 'heartbeat') {
      listOf(this.#beats, nodeNameOf(to)).push({
        group,
        from,
        to,
        term,
        commit: message.commit,
        round: message.round,
        restMs: message.restMs,
      })
    } else if (message.type === 'heartbeat-ack') {
      listOf(this.#acks, nodeNameOf(to)).push({ group, from, to, term, round: message.round, match: message.match })
    } else {
      this.#messages.push({ group, message })
    }
  }

  flush(): void {
    const wall = this.#clock.wall()
    for (const [to, beats] of this.#beats) this.#transport.send(to, 'urgent', { type: 'heartbeats', wall, beats })
    for (const [to, acks] of this.#acks) this.#transport.send(to, 'urgent', { type: 'heartbeat-acks', wall, acks })
    for (const { group, message } of this.#messages) {
      this.#transport.send(nodeNameOf(message.to), laneOf(message), { type: 'raft', group, message })
    }
    this.clear()
  }

  clear(): void {
    this.#beats.clear()
    this.#acks.clear()
    this.#messages = []
  }
}

function laneOf({ type }: Message): Lane {
  return type === 'append' || type === 'append-ack' || type === 'append-reject' || type === 'snapshot-chunk' || type === 'snapshot-ack'
    ? 'bulk'
    : 'urgent'
}

function listOf<T>(lists: Map<string, T[]>, key: string): T[] {
  const known = lists.get(key)
  if (known !== undefined) return known
  const fresh: T[] = []
  lists.set(key, fresh)
  return fresh
}
