import { assert } from '#base/assert.ts'
import { millis } from '#base/brand.ts'
import type { WallMillis } from '#base/brand.ts'
import { lostTermsMax } from '#core/cluster/limits.ts'
import { parseReplicaId } from '#core/cluster/replica.ts'
import type { Recover, Replica } from '#core/cluster/types.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Entry, LogIndex, Membership, Payload } from '#core/raft/types.ts'
import { emptyWrite } from '#ports/log-store.ts'
import type { GroupWrite, LoadOutcome, StoreBatch, StoredGroup } from '#ports/log-store.ts'
import { encodeCommand } from '#wire/command.ts'
import { decodeIdentity, encodeIdentity } from './identity.ts'
import { encodeClusterCommand, metaGroup } from './meta-machine.ts'
import { decodeAbout } from './own-replicas.ts'

/**
 * Decision R3: what an operator writes to the store of one node, which does not run, when a majority of its cluster is gone for good. The node becomes the only
 * voter of each group that it votes in, so all that its logs have counts as committed; the meta group is told by an entry of its own.
 */

export interface Recovery {
  readonly name: string
  readonly service: string | null
  readonly clusterId: string
  /** What goes on, and how far it is here. */
  readonly kept: readonly { readonly group: number; readonly lastIndex: LogIndex }[]
  /** Slots that begin anew, empty. */
  readonly lost: readonly number[]
  /** To be written as a whole. */
  readonly batch: StoreBatch
}

export type RecoveryRefusal =
  /** The store is new, or its node never belonged to a cluster. */
  | 'not-formed'
  /** Only a node that votes on who is a member knows what there is. */
  | 'no-meta-group'

export interface RecoveryOptions {
  /** Never the same twice. */
  readonly recovery: string
  readonly wall: WallMillis
  /** What the service has to be told in a slot that goes on. */
  readonly commandsOf: (service: string | null, group: number) => readonly Uint8Array[]
}

type Loaded = Extract<LoadOutcome, { type: 'loaded' }>

export function planRecovery({ node, groups }: Loaded, { recovery, wall, commandsOf }: RecoveryOptions): Recovery | RecoveryRefusal {
  const identity = node === null ? null : decodeIdentity(node)
  if (identity?.formation === null || identity === null) return 'not-formed'
  const { name, incarnation, formation, service = null } = identity
  const tails = groups.filter(isVoter).map((stored) => tailOf(stored, wall))
  const meta = tails.find(({ group }) => group === metaGroup)
  if (meta === undefined) return 'no-meta-group'
  const kept = tails.map(({ group, replica, next }) => ({ slot: group, replica, configurationIndex: next }))
  const told: Recover = { type: 'recover', name, incarnation, recovery, kept }
  const written = tails.map((tail) =>
    tail.write([
      { type: 'membership', membership: { voters: [tail.id], outgoing: [], learners: [] } },
      ...(tail === meta ? [encodeClusterCommand(told)] : commandsOf(service, tail.group)).map(commandOf),
    ]),
  )
  const renewed = encodeIdentity({ ...identity, formation: { ...formation, recovery }, peers: [] })
  const isKept = new Set(tails.map(({ group }) => group))
  return {
    name,
    service,
    clusterId: formation.clusterId,
    kept: tails.map(({ group, next }) => ({ group, lastIndex: logIndex(next - 1) })),
    lost: Array.from({ length: formation.slots }, (_, at) => at + 1).filter((slot) => !isKept.has(slot)),
    batch: { node: renewed, groups: written },
  }
}

const commandOf = (body: Uint8Array): Payload => ({ type: 'command', bytes: encodeCommand({ type: 'anonymous', body }) })

/** As far as it knows itself: a learner may have nothing yet, and who was left out is out of date. */
function isVoter({ about, ...stored }: StoredGroup): boolean {
  if (about === null) return false
  const { replica, initial } = decodeAbout(about)
  const { voters, outgoing } = membershipOf(stored) ?? initial
  return voters.includes(replica) || outgoing.includes(replica)
}

function membershipOf({ entries, snapshot }: Pick<StoredGroup, 'entries' | 'snapshot'>): Membership | null {
  const last = entries.findLast(({ payload }) => payload.type === 'membership')?.payload
  return last?.type === 'membership' ? last.membership : (snapshot?.membership ?? null)
}

interface Tail {
  readonly group: number
  readonly id: Membership['voters'][number]
  readonly replica: Replica
  readonly next: LogIndex
  /** In a term above all that may have been. */
  readonly write: (payloads: readonly Payload[]) => GroupWrite
}

function tailOf({ group, about, hardState, base, entries, snapshot }: StoredGroup, wall: WallMillis): Tail {
  assert(about !== null, 'a voter says which replica it is')
  const { replica: id } = decodeAbout(about)
  const replica = parseReplicaId(id)
  assert(replica !== null, 'a replica is known by its id')
  const last = entries.at(-1)
  const next = logIndex((last?.index ?? base.index) + 1)
  const time = last?.time ?? snapshot?.time ?? millis(0)
  const above = term(hardState.term + lostTermsMax)
  const entryOf = (payload: Payload, at: number): Entry => ({ index: logIndex(next + at), term: above, time, wall, payload })
  return {
    group,
    id,
    replica,
    next,
    write: (payloads) => ({ ...emptyWrite(group), hardState: { term: above, vote: null }, entries: payloads.map(entryOf) }),
  }
}
