import { unreachable } from '#base/assert.ts'
import type { RecordNumber } from './records.ts'
import { byWall, dead, leased, moving, none, ready, rejectedFlag, scheduled, settledFlag, toSource } from './records.ts'
import type { MessageRecord } from './snapshot-schema.ts'
import type { Partition, QueueState } from './state.ts'
import { counterOf, keyNamed } from './transitions.ts'
import { consumerId } from './types.ts'

const flagsOf = {
  [scheduled]: byWall,
  [ready]: 0,
  [leased]: settledFlag,
  [dead]: rejectedFlag,
  [moving]: rejectedFlag | toSource,
} as const

/** What is wrong with a message of a snapshot; null when nothing is. */
export function faultOfMessage({ records }: QueueState, { keys }: Partition, message: MessageRecord): string | null {
  const { state, flags, key, consumer, lease } = message
  if ((flags & ~flagsOf[state]) !== 0) return 'a flag that means nothing'
  if ((state === leased) !== (consumer !== null)) return 'a lease without a consumer, or the reverse'
  if (state === leased && lease === 0) return 'a lease without a number'
  if (key === '' || consumer === '') return 'a name of nothing'
  if (message.expires !== null && (state === dead || state === moving)) return 'the dead have no ttl'
  const first = key === null ? none : (keys.get(key)?.first ?? none)
  return state === leased && first !== none && records.state[first] === leased ? 'two of one key in flight' : null
}

/** Puts it where it was, but for the queue of what is deliverable if it has a key: whether it is the first is not known yet. */
export function restoreMessage(
  state: QueueState,
  partition: Partition,
  { index, message }: { readonly index: number; readonly message: MessageRecord },
): void {
  const { records } = state
  const record = records.add({ index, offset: message.offset, partition: partition.number })
  records.state[record] = message.state
  records.flags[record] = message.flags
  records.priority[record] = message.priority
  records.deadline[record] = message.deadline
  records.expires[record] = message.expires ?? Infinity
  records.lease[record] = message.lease
  records.failed[record] = message.failed
  partition.counts[counterOf[message.state]]++
  if (message.key !== null) restoreKey(state, partition, { record, name: message.key })
  enlist(state, partition, { record, message })
}

function restoreKey(
  state: QueueState,
  partition: Partition,
  { record, name }: { readonly record: RecordNumber; readonly name: string },
): void {
  const key = keyNamed(state, partition, name)
  const current = state.records.state[record]
  if (current === dead || current === moving) {
    state.records.key[record] = key.number
    key.resting++
  } else state.keys.join(key, record)
}

function enlist(
  state: QueueState,
  partition: Partition,
  { record, message }: { readonly record: RecordNumber; readonly message: MessageRecord },
): void {
  const { records } = state
  switch (message.state) {
    case scheduled:
      return (records.isFlagged(record, byWall) ? state.instants : state.deadlines).push(record)
    case ready:
      if (message.key === null) partition.deliverable.push(record)
      if (message.expires === null) return undefined
      records.deadline[record] = message.expires
      return state.deadlines.push(record)
    case leased:
      if (records.isFlagged(record, settledFlag)) partition.counts.settled++
      state.consumers.link(consumerId(message.consumer ?? ''), record)
      return state.deadlines.push(record)
    case dead:
      return partition.dead.push(record)
    case moving:
      if (!records.isFlagged(record, toSource)) partition.dead.push(record)
      if (message.deadline > 0) state.deadlines.push(record)
      else state.outbox.add(record)
      return undefined
    default:
      return unreachable(message.state)
  }
}
