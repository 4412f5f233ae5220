import type { ClusterState } from '#core/cluster/types.ts'
import type { LoadOutcome } from '#ports/log-store.ts'
import { ClusterNode } from './cluster-node.ts'
import type { ReplicaHost } from './host.ts'
import { decodeIdentity, encodeIdentity } from './identity.ts'
import type { Identity } from './identity.ts'
import type { NodeConfig, NodeFatal, NodePorts } from './node-config.ts'
import type { QueryOptions } from './reads.ts'
import type { SubmitOptions } from './router.ts'

/**
 * One node: from an empty store to a member of a cluster that hosts its share of the groups.
 * Start: load the store → know who we are → find or form the cluster → open the groups → take part.
 */
export class LockstepNode {
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

  /** Carries out a command in a group at most once, wherever its leader is. */
  submit(group: number, body: Uint8Array, options: SubmitOptions): void {
    if (this.#running === null) options.done({ type: 'refused', code: 'not-formed', leader: null })
    else this.#running.router.submit(group, body, options)
  }

  /** Asks this node's own replica, linearizably; null when that could not be done in time or there is no replica here. */
  query(group: number, question: Uint8Array, options: QueryOptions): void {
    if (this.#running === null) options.done(null)
    else this.#running.reads.query(group, question, options)
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
      this.#fatal({ type: 'wrong-name', detail: `the store belongs to ${known.name}, not to ${this.#config.name}` })
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
    return { name: this.#config.name, incarnation: this.#ports.entropy.hex(8), formation: null, constants: null, peers: [] }
  }

  #run(identity: Identity, loaded: Extract<LoadOutcome, { type: 'loaded' }>): void {
    if (this.#stopped) return
    this.#running = new ClusterNode(identity, this.#config, this.#ports, this.#fatal)
    for (const { group, tombstone } of loaded.tombstones) this.#running.host.bury(group, tombstone)
    for (const group of loaded.groups) this.#running.host.open(group)
    this.#running.start()
  }
}
