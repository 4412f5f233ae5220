import type { Millis } from '#base/brand.ts'
import { answer, client, deadlockMode, hops, items, mode, name, resource, session, token } from './command-codec.ts'
import { boolean, nullable, struct, time, uint, union } from '#base/codec/schema.ts'
import type { ClientId, DeadlockMode, DeadlockRecord, FencingToken, Item, LockAnswer, LockMode, ResourceName, SessionId } from './types.ts'

/** Every record is small. Sessions are numbered in the order of their records. */
export const snapshotKind = { magic: [0x4c, 0x53, 0x4c, 0x4b], format: 1, of: 'locks' } as const

export type OwnerNumber = { readonly type: 'session'; readonly session: number } | { readonly type: 'client'; readonly client: ClientId }

export interface AttemptNumber {
  readonly session: number
  readonly sequence: number
}

export type SnapshotRecord =
  /** The first one. */
  | {
      readonly type: 'machine'
      readonly token: number
      readonly waitNumber: number
      readonly deadlocksFound: number
      readonly mode: DeadlockMode
      readonly time: Millis
      readonly wall: DeadlockRecord['wall']
    }
  | {
      readonly type: 'client-session'
      readonly id: SessionId
      readonly client: ClientId
      readonly ttlMs: number
      readonly lockDelayMs: number
      readonly index: number
      readonly confirmed: number
      readonly floor: number
    }
  | {
      readonly type: 'node-session'
      readonly id: SessionId
      readonly node: string
      readonly ttlMs: number
      readonly index: number
      readonly confirmed: number
      readonly floor: number
    }
  /** Of the last session, in the order in which they were given. */
  | { readonly type: 'outcome'; readonly sequence: number; readonly answer: LockAnswer }
  | { readonly type: 'resource'; readonly name: ResourceName; readonly lastExclusive: number; readonly closure: Closure | null }
  /** Of the last resource, in order. */
  | {
      readonly type: 'hold'
      readonly owner: OwnerNumber
      readonly mode: LockMode
      readonly token: FencingToken
      readonly index: number
      readonly lockDelayMs: number
      readonly leaseAt: Millis | null
      readonly attempt: AttemptNumber | null
    }
  /** By number, after all resources. */
  | {
      readonly type: 'wait'
      readonly number: number
      readonly index: number
      readonly owner: OwnerNumber
      readonly items: readonly Item[]
      readonly upgrade: boolean
      readonly ttlMs: number
      readonly lockDelayMs: number
      readonly endsAt: Millis | null
      readonly attempt: AttemptNumber | null
    }
  | { readonly type: 'wounded'; readonly client: ClientId }
  | {
      readonly type: 'verdict'
      readonly number: number
      readonly owner: OwnerNumber
      readonly items: readonly Item[]
      readonly answer: LockAnswer
      readonly endsAt: Millis | null
    }
  | { readonly type: 'deadlock'; readonly found: DeadlockRecord }
  /** The last one; how many there were before it. */
  | { readonly type: 'end'; readonly records: number }

interface Closure {
  readonly at: Millis
  readonly id: number
}

const owner = union<OwnerNumber>({ session: [0, { session: uint() }], client: [1, { client }] })
const attempt = nullable(struct<AttemptNumber>({ session: uint(), sequence: uint() }))
const found = struct<DeadlockRecord>({ index: uint(), wall: time(), mode: deadlockMode, cycle: hops, length: uint(), victim: client })
const closure = nullable(struct<Closure>({ at: time(), id: uint() }))

export const snapshotRecord = union<SnapshotRecord>({
  machine: [1, { token: uint(), waitNumber: uint(), deadlocksFound: uint(), mode: deadlockMode, time: time(), wall: time() }],
  'client-session': [2, { id: session, client, ttlMs: uint(), lockDelayMs: uint(), index: uint(), confirmed: uint(), floor: uint() }],
  'node-session': [3, { id: session, node: name(), ttlMs: uint(), index: uint(), confirmed: uint(), floor: uint() }],
  outcome: [4, { sequence: uint(), answer }],
  resource: [5, { name: resource, lastExclusive: uint(), closure }],
  hold: [6, { owner, mode, token, index: uint(), lockDelayMs: uint(), leaseAt: nullable(time()), attempt }],
  wait: [
    7,
    {
      number: uint(),
      index: uint(),
      owner,
      items,
      upgrade: boolean,
      ttlMs: uint(),
      lockDelayMs: uint(),
      endsAt: nullable(time()),
      attempt,
    },
  ],
  wounded: [8, { client }],
  verdict: [9, { number: uint(), owner, items, answer, endsAt: nullable(time()) }],
  deadlock: [10, { found }],
  end: [11, { records: uint() }],
})
