import { unreachable } from '#base/assert.ts'
import { isVoter } from '#core/raft/quorum.ts'
import type { LogIndex } from '#core/raft/types.ts'
import { parseCommand } from '#wire/command.ts'
import type { NodeKey } from '#ports/transport.ts'
import type { PeerRequest, PeerResponse } from '#wire/peer-message.ts'
import { readBodies } from './body-reader.ts'
import type { Group } from './group.ts'
import type { ReplicaHost } from './host.ts'
import { refusal } from './refusal.ts'
import { metaGroup } from './meta-machine.ts'
import { livesOn } from './replica-name.ts'

type GroupRequest = Exclude<PeerRequest, { type: 'hello' | 'form' | 'join' | 'service' }>
type Respond = (response: PeerResponse) => void

/** Answers other nodes' questions about the groups that live here, and their orders to take one in or give one up. */
export class PeerService {
  readonly #host: ReplicaHost
  readonly #self: NodeKey

  constructor(host: ReplicaHost, self: NodeKey) {
    this.#host = host
    this.#self = self
  }

  answer(from: NodeKey, request: GroupRequest, respond: Respond): void {
    if (this.#host.failure !== null) {
      respond(refusal('halted', 'the store of this node has failed'))
    } else if (request.type === 'host-group') {
      this.#hostGroup(request, respond)
    } else if (request.type === 'drop-group') {
      this.#dropGroup(request, respond)
    } else {
      const group = this.#host.groups.get(request.group)
      if (group !== undefined) this.#answerFor(group, from, request, respond)
      else respond(refusal('no-such-group', `group ${request.group} has no replica on ${this.#self.name}`))
    }
  }

  #answerFor(group: Group, from: NodeKey, request: Exclude<GroupRequest, { type: 'host-group' | 'drop-group' }>, respond: Respond): void {
    switch (request.type) {
      case 'propose':
        this.#propose(group, request.commands, respond)
        break
      case 'read-index':
        group.readIndex((index) => this.#tellIndex(group, from, index, respond))
        break
      case 'group-status':
        respond({ type: 'group-status', status: group.status() })
        break
      case 'change-membership': {
        const outcome = group.changeMembership(request)
        if (outcome.type === 'accepted') respond({ type: 'membership-accepted', index: outcome.index })
        else respond(refusal(outcome.reason, `the configuration of group ${group.id} is unchanged`, group))
        break
      }
      case 'bodies':
        readBodies(group, this.#host, request, respond)
        break
      case 'transfer':
        group.step({ type: 'transfer', to: request.to })
        respond({ type: 'done' })
        break
      default:
        unreachable(request)
    }
  }

  #propose(group: Group, commands: readonly Uint8Array[], respond: Respond): void {
    if (this.#host.overloaded) {
      respond(refusal('overloaded', 'too much work waits on this node', group))
    } else if (commands.length === 0 || commands.some((command) => parseCommand(command) === null)) {
      respond(refusal('invalid', 'a proposal is a list of well-formed commands'))
    } else if (group.raft.role !== 'leader') {
      respond(refusal('not-leader', 'this replica follows', group))
    } else {
      group.propose({ commands, done: (outcomes) => respond({ type: 'proposed', outcomes }) })
    }
  }

  /** The asker can serve the read as soon as it knows that much to be committed. */
  #tellIndex(group: Group, from: NodeKey, index: LogIndex | null, respond: Respond): void {
    if (index === null) {
      respond(refusal('not-leader', 'this replica cannot vouch for a read', group))
      return
    }
    respond({ type: 'read-index', index })
    const { voters, learners } = group.raft.membership
    const asker = [...voters, ...learners].find((replica) => livesOn(replica, from))
    if (asker !== undefined) group.step({ type: 'tell-commit', to: asker })
  }

  #hostGroup(request: Extract<GroupRequest, { type: 'host-group' }>, respond: Respond): void {
    const { group: id, replica, initial, decidedAt } = request
    if (this.#host.own.about(id)?.replica === replica) {
      this.#host.afterWrites(() => respond({ type: 'done' }))
    } else if (!livesOn(replica, this.#self)) {
      respond(refusal('invalid', `${replica} is no replica of ${this.#self.name} in its present incarnation`))
    } else if (!this.#host.own.isNews(id, { replica, decidedAt })) {
      respond(refusal('removed', 'the order is older than what was decided since'))
    } else {
      // One batch: after a crash the node is the former replica or the new one, and never neither.
      this.#host.drop(id, () => {})
      this.#host.create(id, { replica, initial, decidedAt }, () => respond({ type: 'done' }))
    }
  }

  #dropGroup({ group, replica, givesUp }: Extract<GroupRequest, { type: 'drop-group' }>, respond: Respond): void {
    const done = (): void => respond({ type: 'done' })
    const isOwn = this.#host.own.about(group)?.replica === replica
    const raft = this.#host.groups.get(group)?.raft
    // A learner does not notice that its leader is gone.
    const leader = raft !== undefined && isVoter(raft.membership, raft.self) ? raft.leader : null
    if (isOwn && givesUp && !this.#host.store.forgetsSlots) respond(refusal('invalid', 'this replica is on disk, and is kept'))
    else if (isOwn && givesUp && leader !== null)
      respond(refusal('invalid', `${leader} leads this group, though it may not be heard everywhere`))
    else if (isOwn) this.#host.drop(group, done)
    else if (group !== metaGroup && livesOn(replica, this.#self)) this.#host.renounce(group, replica, done)
    else done()
  }
}
