import type { Entry, LogIndex } from '#core/raft/types.ts'
import type { Lane, NodeKey } from '#ports/transport.ts'
import { encodeCommand } from '#wire/command.ts'
import type { PeerRequest, PeerResponse, ProposalOutcome } from '#wire/peer-message.ts'
import { readAppliedEntry } from './applied-entry.ts'
import type { ReplicaHost } from './host.ts'
import type { Leadership } from './leadership.ts'
import { leadershipOf } from './leadership.ts'
import { metaGroup } from './meta-machine.ts'
import type { ServiceHooks } from './node-config.ts'
import { refusedProposal, unknownOutcome } from './proposals.ts'
import { refusal } from './refusal.ts'
import { nodeNameOf } from './replica-name.ts'

/** What a service on this node may ask of the replicas here, and of its own kind on other nodes. */
export class ServicePort {
  readonly #host: ReplicaHost
  readonly #self: NodeKey
  readonly #hooks: ServiceHooks | undefined

  readonly #aboutCluster: () => Uint8Array

  /** Who asks about the meta group asks about the cluster, whatever its service. */
  constructor(host: ReplicaHost, self: NodeKey, hooks: ServiceHooks | undefined, aboutCluster: () => Uint8Array) {
    this.#host = host
    this.#self = self
    this.#hooks = hooks
    this.#aboutCluster = aboutCluster
  }

  /** Null when no answer came in time, which never says whether the question was acted on. */
  ask(to: string, group: number, question: Uint8Array, { timeoutMs, done }: AskOptions): void {
    const request: ServiceRequest = { type: 'service', group, question }
    const answered = (response: PeerResponse | null): void => done(response?.type === 'service' ? response.answer : null)
    if (to === this.#self.name) this.answer(request, (response) => this.#host.post(() => answered(response)))
    else this.#host.requests.ask(to, request, { timeoutMs, done: answered })
  }

  /** Tells the service on a node, also on this one, what needs no answer; it may get lost. Nothing is told any more once the store has failed. */
  notify(to: string, lane: Lane, content: Uint8Array): void {
    if (this.#host.failure !== null) return
    if (to === this.#self.name) this.#host.post(() => this.#hooks?.noticed?.(to, content))
    else this.#host.notify(to, lane, content)
  }

  /** Another node's question, or one of this node to itself. */
  answer({ group, question }: ServiceRequest, respond: (response: PeerResponse) => void): void {
    if (this.#host.failure !== null) respond(refusal('halted', 'the store of this node has failed'))
    else if (group === metaGroup) respond({ type: 'service', answer: this.#aboutCluster() })
    else if (this.#hooks === undefined) respond(refusal('invalid', 'no service on this node takes questions'))
    else this.#hooks.asked(group, question, (answer) => respond({ type: 'service', answer }))
  }

  /** To the own replica as it is: `refused` is certainly not in any log, and what is not known any more is `unknown`. */
  propose(group: number, body: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    this.#host.post(() => {
      const replica = this.#host.groups.get(group)
      if (replica === undefined) done(refusedProposal('no-such-group'))
      else replica.propose({ commands: [encodeCommand({ type: 'anonymous', body })], done: ([outcome]) => done(outcome ?? unknownOutcome) })
    })
  }

  leadership(group: number): Leadership | null {
    const replica = this.#host.groups.get(group)
    return replica === undefined ? null : leadershipOf(replica, this.#host.instant().now)
  }

  /** What is committed by now, to a node that waits for it; otherwise it would learn of it with the next entry or heartbeat. */
  tellCommit(group: number, node: string): void {
    this.#host.post(() => {
      const replica = this.#host.groups.get(group)
      const { voters, learners } = replica?.raft.membership ?? { voters: [], learners: [] }
      const to = [...voters, ...learners].find((id) => nodeNameOf(id) === node)
      if (to !== undefined) replica?.step({ type: 'tell-commit', to })
    })
  }

  /**
   * Null when the own replica has not applied it, does not have it (any more), or the store has failed. What was not applied may yet be replaced: a
   * node that has led may have another entry there than those who go on.
   */
  readEntry(group: number, index: LogIndex, done: (entry: Entry | null) => void): void {
    const { groups, store } = this.#host
    const replica = groups.get(group)
    if (replica === undefined || index > replica.applier.last.index) {
      this.#host.post(() => done(null))
      return
    }
    readAppliedEntry({ group: replica, store }, { id: group, index }, (read) => {
      this.#host.post(() => {
        const failed = read !== null && 'type' in read
        if (failed) this.#host.storageFailed(read)
        done(failed ? null : read)
      })
    })
  }

  /** The node that leads, as far as the own replica knows. */
  leaderOf(group: number): string | null {
    const leader = this.#host.groups.get(group)?.raft.leader ?? null
    return leader === null ? null : nodeNameOf(leader)
  }
}

type ServiceRequest = Extract<PeerRequest, { type: 'service' }>

export interface AskOptions {
  readonly timeoutMs: number
  readonly done: (answer: Uint8Array | null) => void
}
