import type { ClusterState } from '#core/cluster/types.ts'
import type { LoadOutcome } from '#ports/log-store.ts'
import type { Entry, LogIndex } from '#core/raft/types.ts'
import type { Lane } from '#ports/transport.ts'
import type { ProposalOutcome } from '#wire/peer-message.ts'
import { ClusterNode } from './cluster-node.ts'
import type { ClusterOverview } from './cluster-overview.ts'
import { EmbeddedStanding } from './embedded-standing.ts'
import type { ReplicaHost } from './host.ts'
import { decodeIdentity, encodeIdentity } from './identity.ts'
import type { Identity } from './identity.ts'
import type { Leadership } from './leadership.ts'
import type { NodeConfig, NodeFatal, NodePorts } from './node-config.ts'
import { refusedProposal } from './proposals.ts'
import type { QueryOptions, ReadIndexOptions } from './reads.ts'
import type { SubmitOptions } from './router.ts'
import type { AskOptions } from './service-port.ts'
import type { SlotHost } from './slot-host.ts'

/**
 * One node: from an empty store to a member of a cluster that hosts its share of the groups.
 * Start: load the store → know who we are → find or form the cluster → open the groups → take part.
 */
export class LockstepNode implements SlotHost {
  readonly standing = new EmbeddedStanding(() => this.#running)
  readonly #config: NodeConfig
  readonly #ports: NodePorts
  readonly #fatal: (reason: NodeFatal) => void
  #running: ClusterNode | null = null
  #stopped = false

  constructor(config: NodeConfig, ports: NodePorts, fatal: (reason: NodeFatal) => void) {
    this.#config = config
    this.#ports = ports
    this.#fatal = fatal
  }

  start(): void {
    this.#ports.store.load((outcome) => this.#loaded(outcome))
  }

  /** Null until the store is loaded. */
  get host(): ReplicaHost | null {
    return this.#running?.host ?? null
  }
  get identity(): Identity | null {
    return this.#running?.identity ?? null
  }
  get cluster(): ClusterState | null {
    return this.#running?.cluster ?? null
  }

  get overview(): ClusterOverview | null {
    return this.#running?.overview ?? null
  }

  post(task: () => void): void {
    this.#running?.host.post(task)
  }

  /** Carries out a command in a group at most once, wherever its leader is. */
  submit(group: number, body: Uint8Array, options: SubmitOptions): void {
    if (this.#running === null) options.done(refusedProposal('not-formed'))
    else this.#running.router.submit(group, body, options)
  }

  /** Asks this node's own replica, linearizably; null when that could not be done in time or there is no replica here. */
  query(group: number, question: Uint8Array, options: QueryOptions): void {
    if (this.#running === null) options.done(null)
    else this.#running.reads.query(group, question, options)
  }

  /** An index that everything is at or before that was answered until now; null when nobody could tell in time. */
  readIndex(group: number, options: ReadIndexOptions): void {
    if (this.#running === null) options.done(null)
    else this.#running.reads.index(group, options)
  }

  /** Asks the service on a node, also on this one; null when no answer came in time. */
  ask(to: string, group: number, question: Uint8Array, options: AskOptions): void {
    if (this.#running === null) options.done(null)
    else this.#running.services.ask(to, group, question, options)
  }

  /** Tells the service on a node, also on this one, what needs no answer; it may get lost. */
  notify(to: string, lane: Lane, content: Uint8Array): void {
    this.#running?.services.notify(to, lane, content)
  }

  /** Proposes at the own replica, whatever its role: for what only this leader, in this term, may decide. */
  propose(group: number, body: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    if (this.#running === null) done(refusedProposal('not-formed'))
    else this.#running.services.propose(group, body, done)
  }

  /** Null unless the own replica leads, and its machine has caught up with its term. */
  leadership(group: number): Leadership | null {
    return this.#running?.services.leadership(group) ?? null
  }

  /** Of a leader: to a node that waits for what was committed just now. */
  tellCommit(group: number, node: string): void {
    this.#running?.services.tellCommit(group, node)
  }

  /** Of the own replica. */
  appliedIndex(group: number): LogIndex | null {
    return this.#running?.host.groups.get(group)?.applier.last.index ?? null
  }

  /** The node that leads, as far as the own replica knows. */
  leaderOf(group: number): string | null {
    return this.#running?.services.leaderOf(group) ?? null
  }

  /** The other nodes that have a replica of the group, as far as this one knows. */
  nodesOf(group: number): readonly string[] {
    return this.#running?.nodesOf(group) ?? []
  }

  /** Of the own replica's log. */
  readEntry(group: number, index: LogIndex, done: (entry: Entry | null) => void): void {
    if (this.#running === null) done(null)
    else this.#running.services.readEntry(group, index, done)
  }

  stop(done: () => void): void {
    this.#stopped = true
    const running = this.#running
    if (running === null) {
      this.#ports.store.close(done)
      return
    }
    running.stop(() => this.#ports.store.close(done))
  }

  #loaded(outcome: LoadOutcome): void {
    if (this.#stopped) return
    if (outcome.type !== 'loaded') {
      this.#fatal(outcome)
      return
    }
    const known = outcome.node === null ? null : decodeIdentity(outcome.node)
    if (known !== null && known.name !== this.#config.name) {
      this.#fatal({ type: 'wrong-store', detail: `the store belongs to ${known.name}, not to ${this.#config.name}` })
      return
    }
    const { service } = this.#config
    if (known?.service !== undefined && service !== undefined && known.service !== service) {
      this.#fatal({ type: 'wrong-store', detail: `the store is that of a ${known.service} node, and this is to be a ${service} node` })
      return
    }
    const identity = known ?? this.#newIdentity()
    if (known !== null) {
      this.#run(identity, outcome)
      return
    }
    this.#ports.store.commit({ node: encodeIdentity(identity), groups: [] }, (failure) => {
      if (failure === null) this.#run(identity, outcome)
      else this.#fatal(failure)
    })
  }

  #newIdentity(): Identity {
    const { name, service } = this.#config
    return { name, service, incarnation: this.#ports.entropy.hex(8), formation: null, constants: null, peers: [] }
  }

  #run(identity: Identity, loaded: Extract<LoadOutcome, { type: 'loaded' }>): void {
    if (this.#stopped) return
    this.#running = new ClusterNode(identity, this.#config, this.#ports, this.#fatal)
    for (const { group, tombstone } of loaded.tombstones) this.#running.host.own.buryEncoded(group, tombstone)
    for (const group of loaded.groups) this.#running.host.open(group)
    this.#running.start()
  }
}
