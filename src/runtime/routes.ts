import type { Prng } from '#base/prng.ts'
import type { LogIndex, ReplicaId } from '#core/raft/types.ts'
import type { PeerRequest, PeerResponse, ProposalOutcome } from '#wire/peer-message.ts'
import type { ReplicaHost } from './host.ts'
import { runtimeLimits } from './limits.ts'
import { refusedProposal, unknownOutcome } from './proposals.ts'
import { nodeNameOf } from './replica-name.ts'
import type { GiveUp } from './requests.ts'

/** Who may know the leader of a group. */
export interface Directory {
  readonly self: string
  nodesOf(group: number): readonly string[]
}

/**
 * The way to the leader of each group, found by asking: an own replica knows it, a refusal may name it, a success proves it. One attempt at a
 * time; whoever calls decides about trying again.
 */
export class Routes {
  readonly #host: ReplicaHost
  readonly #prng: Prng
  readonly #directory: Directory
  /** A node to ask first. Beside an own replica it is good for one attempt only, for the replica learns by itself (pitfall 38). */
  readonly #hints = new Map<number, string>()
  /** Questions to other nodes, by group. */
  readonly #attempts = new Map<number, Set<Attempt>>()

  constructor(host: ReplicaHost, prng: Prng, directory: Directory) {
    this.#host = host
    this.#prng = prng
    this.#directory = directory
  }

  /** Every command gets an outcome; `not-leader` also means that nobody could be asked. */
  propose(group: number, commands: readonly Uint8Array[], done: (outcomes: readonly ProposalOutcome[]) => void): void {
    const target = this.#target(group)
    if (target === null) {
      done(commands.map(() => refusedProposal('not-leader')))
    } else if (target === this.#directory.self) {
      this.#host.groups.get(group)?.propose({ commands, done })
    } else {
      const timeoutMs = runtimeLimits.proposeTimeoutMs
      const answered = (response: PeerResponse | null): void => done(outcomesOf(response, commands.length))
      this.#ask(target, { type: 'propose', group, commands }, { timeoutMs, answered })
    }
  }

  readIndex(group: number, done: (index: LogIndex | null) => void): void {
    const target = this.#target(group)
    if (target === null) {
      done(null)
    } else if (target === this.#directory.self) {
      this.#host.groups.get(group)?.readIndex(done)
    } else {
      const timeoutMs = runtimeLimits.readTimeoutMs
      const answered = (response: PeerResponse | null): void => done(response?.type === 'read-index' ? response.index : null)
      this.#ask(target, { type: 'read-index', group }, { timeoutMs, answered })
    }
  }

  /**
   * The own replica has learnt who leads. A question to anybody else may wait for a node that is paused or gone: it ends here without an
   * answer, so that its asker waits for an election and not for a time-out.
   */
  leads(group: number, leader: string): void {
    this.#hints.delete(group)
    for (const { target, giveUp } of this.#attempts.get(group) ?? []) if (target !== leader) giveUp()
  }

  #ask(target: string, request: RoutedRequest, { timeoutMs, answered }: AskOptions): void {
    const { group } = request
    const attempts = this.#attemptsOf(group)
    const done = (response: PeerResponse | null): void => {
      attempts.delete(attempt)
      this.#learn(group, target, response)
      answered(response)
    }
    const attempt: Attempt = { target, giveUp: () => {} }
    attempts.add(attempt)
    attempt.giveUp = this.#host.requests.ask(target, request, { timeoutMs, done })
  }

  #attemptsOf(group: number): Set<Attempt> {
    const known = this.#attempts.get(group)
    if (known !== undefined) return known
    const fresh = new Set<Attempt>()
    this.#attempts.set(group, fresh)
    return fresh
  }

  #target(group: number): string | null {
    const own = this.#host.groups.get(group)?.raft
    if (own?.role === 'leader') return this.#directory.self
    const hint = this.#hints.get(group) ?? leaderNode(own?.leader)
    if (own !== undefined) this.#hints.delete(group)
    if (hint !== null && hint !== this.#directory.self && this.#host.requests.reaches(hint)) return hint
    const others = this.#directory.nodesOf(group).filter((name) => this.#host.requests.reaches(name))
    return others.length === 0 ? null : this.#prng.pick(others)
  }

  #learn(group: number, asked: string, response: PeerResponse | null): void {
    const named = response?.type === 'refused' ? response.leader : firstLeader(response)
    const succeeded = response !== null && response.type !== 'refused' && named === null
    const hint = succeeded ? asked : leaderNode(named)
    if (hint === null) this.#hints.delete(group)
    else this.#hints.set(group, hint)
  }
}

type RoutedRequest = Extract<PeerRequest, { type: 'propose' | 'read-index' }>

interface AskOptions {
  readonly timeoutMs: number
  readonly answered: (response: PeerResponse | null) => void
}

interface Attempt {
  readonly target: string
  giveUp: GiveUp
}

const leaderNode = (leader: ReplicaId | null | undefined): string | null => (leader ? nodeNameOf(leader) : null)

function firstLeader(response: PeerResponse | null): ReplicaId | null {
  if (response?.type !== 'proposed') return null
  const [first] = response.outcomes
  return first?.type === 'refused' ? first.leader : null
}

function outcomesOf(response: PeerResponse | null, count: number): readonly ProposalOutcome[] {
  if (response?.type === 'proposed' && response.outcomes.length === count) return response.outcomes
  const outcome: ProposalOutcome =
    response?.type === 'refused' ? { type: 'refused', code: response.code, leader: response.leader } : unknownOutcome
  return Array.from({ length: count }, () => outcome)
}
