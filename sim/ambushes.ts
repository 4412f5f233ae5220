import type { Timing } from '#core/raft/types.ts'
import type { Group } from '#runtime/group.ts'
import { nodeNameOf } from '#runtime/replica-name.ts'
import type { PeerMessage } from '#wire/peer-message.ts'
import type { SimNode } from './cluster.ts'
import type { World } from './workload.ts'

/**
 * Faults that lie in wait. A promise is rarely broken by one fault, but by a crash right after it was given together with a link that is cut
 * at that time: chance alone hardly ever finds the moment. Each method lays one ambush for a group, and ends by itself; false when there is
 * no group that it fits.
 */
export class Ambushes {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /**
   * A voter forgets in a crash whose lease it has prolonged (decision R1).
   * 1. The leader and one voter do not hear each other any more: that voter will campaign, and the others refuse, for they hear the leader.
   * 2. The others crash, each less than a heartbeat after it has answered one, and are back at once; the leader reaches them late.
   * 3. The candidate asks them while the lease runs that they have prolonged before.
   */
  restartInLease(): boolean {
    const scene = this.#scene(() => true)
    if (scene === null) return false
    const { prng, scheduler, cluster } = this.#world
    const { leader, followers, timing } = scene
    const [candidate, ...witnesses] = prng.shuffle(followers)
    if (candidate === undefined) return false
    this.#sever(leader, candidate)
    scheduler.after(timing.electionMinMs * (0.3 + prng.float()), () => {
      for (const witness of witnesses) {
        cluster.network.clog(leader.name, witness.name, timing.leaseMs)
        this.#bounce(witness)
      }
    })
    scheduler.after(2 * timing.electionMaxMs, () => this.#join(leader, candidate))
    return true
  }

  /**
   * A voter forgets in a crash whom it has voted for, while another asks for its vote in the same term (pitfalls 1 and 8).
   * 1. Three voters do not hear each other until none of them follows a leader.
   * 2. The first hears the others again, at one moment, and each would get its vote in the next term. One of these writes that down at once,
   *    the other only after a while.
   * 3. The first votes for the quick one, crashes and is back at once; the winner does not reach it any more.
   * 4. Its hold-off is over when the slow one asks for its vote, which it has given away.
   */
  contestedVote(): boolean {
    const scene = this.#scene(({ raft }) => raft.membership.voters.length === 3)
    if (scene === null) return false
    const { prng, scheduler, cluster } = this.#world
    const { leader, followers, timing } = scene
    const [voter, quick, slow] = prng.shuffle([leader, ...followers])
    if (voter === undefined || quick === undefined || slow === undefined) return false
    const leaderlessMs = 1.3 * timing.electionMaxMs
    const meetMs = leaderlessMs + timing.electionMaxMs
    this.#sever(voter, quick)
    this.#sever(voter, slow)
    this.#sever(quick, slow)
    scheduler.after(leaderlessMs, () => {
      for (const rival of [quick, slow]) {
        cluster.network.clog(rival.name, voter.name, meetMs - leaderlessMs)
        cluster.network.healLink(rival.name, voter.name)
      }
    })
    scheduler.after(meetMs - 1, () => {
      for (const rival of [quick, slow]) cluster.network.healLink(voter.name, rival.name)
      slow.disk.hang(timing.electionMinMs * (1.05 + 0.2 * prng.float()))
      this.#afterVote(scene.group, voter, (winner) => {
        cluster.network.cut(winner, voter.name)
        scheduler.after(prng.float(), () => this.#bounce(voter))
      })
    })
    scheduler.after(meetMs + 2 * timing.electionMaxMs, () => {
      this.#join(voter, quick)
      this.#join(voter, slow)
      this.#join(quick, slow)
    })
    return true
  }

  /** The leader of one group is cut off in that group alone: what else it leads tells it nothing about this one (decision R2). */
  cutGroup(): boolean {
    const scene = this.#scene(() => true)
    if (scene === null) return false
    const { prng, scheduler, cluster } = this.#world
    const { leader, followers, group } = scene
    const direction = prng.pick(['both', 'to', 'from'])
    for (const { name } of followers) {
      if (direction !== 'to') cluster.network.cutGroup(leader.name, name, group)
      if (direction !== 'from') cluster.network.cutGroup(name, leader.name, group)
    }
    scheduler.after(prng.between(1_000, 8_000), () => cluster.network.healGroup(group))
    return true
  }

  /** Orders to drop a replica, which nobody waits for, get lost. */
  loseDrops(): boolean {
    const { prng, cluster } = this.#world
    cluster.network.loseRequests('drop-group', prng.between(10_000, 60_000))
    return true
  }

  /** A group with a leader and two or more other voters, all of them at work. */
  #scene(fits: (group: Group) => boolean): Scene | null {
    const { cluster, prng } = this.#world
    const { alive } = cluster
    const scenes = alive.flatMap((leader) =>
      [...(leader.node?.host?.groups.values() ?? [])].flatMap((group): Scene[] => {
        const { raft } = group
        if (!raft.termStarted || raft.membership.outgoing.length > 0 || !fits(group)) return []
        const others = raft.membership.voters.map(nodeNameOf).filter((name) => name !== leader.name)
        const followers = alive.filter(({ name }) => others.includes(name))
        if (followers.length < 2 || followers.length < others.length) return []
        return [{ group: group.id, leader, followers, timing: raft.inspect().timing }]
      }),
    )
    return scenes.length === 0 ? null : prng.pick(scenes)
  }

  /** Calls once, when the node grants its vote in the group, with the name of who gets it; not if that takes longer than a moment. */
  #afterVote(group: number, voter: SimNode, then: (winner: string) => void): void {
    const { cluster, scheduler } = this.#world
    const stop = cluster.network.watch((from, to, message) => {
      if (from !== voter.name || !isGrant(message, group)) return
      stop()
      then(to)
    })
    scheduler.after(momentMs, stop)
  }

  #bounce(node: SimNode): void {
    const { cluster, prng } = this.#world
    if (node.node === null) return
    cluster.crash(node)
    cluster.restartAfter(node, prng.between(0, 5))
  }

  #sever(one: SimNode, other: SimNode): void {
    const { network } = this.#world.cluster
    network.cut(one.name, other.name)
    network.cut(other.name, one.name)
  }

  #join(one: SimNode, other: SimNode): void {
    const { network } = this.#world.cluster
    network.healLink(one.name, other.name)
    network.healLink(other.name, one.name)
  }
}

interface Scene {
  readonly group: number
  readonly leader: SimNode
  /** The other voters. */
  readonly followers: readonly SimNode[]
  readonly timing: Timing
}

const isGrant = (message: PeerMessage, group: number): boolean =>
  message.type === 'raft' && message.group === group && message.message.type === 'vote-response' && message.message.granted

const momentMs = 500
