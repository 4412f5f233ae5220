import { storedEntries } from './testkit.ts'
import { logIndex, replicaId, term } from './types.ts'
import type {
  Append,
  AppendAck,
  AppendReject,
  Entry,
  Heartbeat,
  HeartbeatAck,
  PreVoteRequest,
  PreVoteResponse,
  ReplicaId,
  StaleTerm,
  Term,
  TimeoutNow,
  VoteRequest,
  VoteResponse,
} from './types.ts'

/** Messages that a test sends in the name of a replica that does not run. `route` reads "b>a@3": from b to a in term 3. */
interface Route {
  readonly from: ReplicaId
  readonly to: ReplicaId
  readonly term: Term
}

function route(text: string): Route {
  const [from = '', to = '', inTerm = ''] = text.split(/[>@]/)
  return { from: replicaId(from), to: replicaId(to), term: term(Number(inTerm)) }
}

/** `[index, term]` of a last or previous entry. */
type Place = readonly [number, number]

const lastAt = ([index, ofTerm]: Place): { lastIndex: VoteRequest['lastIndex']; lastTerm: Term } => ({
  lastIndex: logIndex(index),
  lastTerm: term(ofTerm),
})

export const voteRequest = (path: string, last: Place = [0, 0], force = false): VoteRequest => ({
  type: 'vote-request',
  ...route(path),
  ...lastAt(last),
  force,
})
export const preVoteRequest = (path: string, last: Place = [0, 0]): PreVoteRequest => ({
  type: 'pre-vote-request',
  ...route(path),
  ...lastAt(last),
})
export const voteResponse = (path: string, granted: boolean): VoteResponse => ({ type: 'vote-response', ...route(path), granted })
export const preVoteResponse = (path: string, granted: boolean): PreVoteResponse => ({ type: 'pre-vote-response', ...route(path), granted })

/** Entries are given by their terms; they follow `previous`. */
export const append = (path: string, previous: Place, entries: readonly number[] | readonly Entry[] = [], commit = 0): Append => ({
  type: 'append',
  ...route(path),
  previousIndex: logIndex(previous[0]),
  previousTerm: term(previous[1]),
  entries: entries.map((entry, position) =>
    typeof entry === 'number' ? (storedEntries([entry], previous[0] + 1 + position)[0] as Entry) : entry,
  ),
  commit: logIndex(commit),
})
export const appendAck = (path: string, match: number): AppendAck => ({ type: 'append-ack', ...route(path), match: logIndex(match) })
export const appendReject = (path: string, rejected: number, hint: Place): AppendReject => ({
  type: 'append-reject',
  ...route(path),
  rejected: logIndex(rejected),
  hintIndex: logIndex(hint[0]),
  hintTerm: term(hint[1]),
})
export const heartbeat = (path: string, commit = 0, round = 1): Heartbeat => ({
  type: 'heartbeat',
  ...route(path),
  commit: logIndex(commit),
  round,
  restMs: 0,
})
export const heartbeatAck = (path: string, round: number, match = 0): HeartbeatAck => ({
  type: 'heartbeat-ack',
  ...route(path),
  round,
  match: logIndex(match),
})
export const staleTerm = (path: string): StaleTerm => ({ type: 'stale-term', ...route(path) })
export const timeoutNow = (path: string): TimeoutNow => ({ type: 'timeout-now', ...route(path) })
