import type { LogIndex } from '#core/raft/types.ts'
import type { ProposalOutcome, PeerRequest, PeerResponse } from '#wire/peer-message.ts'
import { runtimeLimits } from '#runtime/limits.ts'
import { refusedProposal, unknownOutcome } from '#runtime/proposals.ts'
import { nodeNameOf } from '#runtime/replica-name.ts'
import type { GiveUp, Requests } from '#runtime/requests.ts'
import { replicaOf } from './engine-host.ts'
import type { HostedSlot } from './hosted-slot.ts'

/** The way to the owner of each slot, whom the table names. One attempt at a time; whoever calls decides about trying again. */
export class OwnerRoutes {
  readonly #self: string
  readonly #requests: Requests
  readonly #slotOf: (group: number) => HostedSlot | undefined
  /** Questions to other nodes, by group. */
  readonly #attempts = new Map<number, Set<{ readonly target: string; giveUp: GiveUp }>>()

  constructor(self: string, requests: Requests, slotOf: (group: number) => HostedSlot | undefined) {
    this.#self = self
    this.#requests = requests
    this.#slotOf = slotOf
  }

  /** Every command gets an outcome; `not-leader` also means that nobody could be asked. */
  propose(group: number, commands: readonly Uint8Array[], done: (outcomes: readonly ProposalOutcome[]) => void): void {
    const target = this.ownerOf(group)
    if (target === null || (target !== this.#self && !this.#requests.reaches(target))) {
      done(commands.map(() => refusedProposal('not-leader')))
    } else if (target === this.#self) {
      this.#slotOf(group)?.propose({ commands, done })
    } else {
      this.#ask(target, { type: 'propose', group, commands }, runtimeLimits.proposeTimeoutMs, (response) => {
        done(outcomesOf(response, commands.length))
      })
    }
  }

  readIndex(group: number, done: (index: LogIndex | null) => void): void {
    const target = this.ownerOf(group)
    const slot = this.#slotOf(group)
    if (target === this.#self) done(slot?.isServing === true ? (slot.applier?.last.index ?? null) : null)
    else if (target === null || !this.#requests.reaches(target)) done(null)
    else {
      this.#ask(target, { type: 'read-index', group }, runtimeLimits.readTimeoutMs, (response) => {
        done(response?.type === 'read-index' ? response.index : null)
      })
    }
  }

  /** The node that owns it, as far as is known. */
  ownerOf(group: number): string | null {
    const owner = this.#slotOf(group)?.owner ?? null
    return owner === null ? null : nodeNameOf(replicaOf(owner))
  }

  /** Whoever was asked before may be paused or gone: those questions end here without an answer. */
  changed(group: number): void {
    const owner = this.ownerOf(group)
    for (const { target, giveUp } of this.#attempts.get(group) ?? []) if (target !== owner) giveUp()
  }

  #ask(target: string, request: Extract<PeerRequest, { type: 'propose' | 'read-index' }>, timeoutMs: number, answered: Answered): void {
    const attempts = this.#attempts.get(request.group) ?? new Set()
    this.#attempts.set(request.group, attempts)
    const done = (response: PeerResponse | null): void => {
      attempts.delete(attempt)
      answered(response)
    }
    const attempt = { target, giveUp: (): void => {} }
    attempts.add(attempt)
    attempt.giveUp = this.#requests.ask(target, request, { timeoutMs, done })
  }
}

type Answered = (response: PeerResponse | null) => void

function outcomesOf(response: PeerResponse | null, count: number): readonly ProposalOutcome[] {
  if (response?.type === 'proposed' && response.outcomes.length === count) return response.outcomes
  const outcome: ProposalOutcome =
    response?.type === 'refused' ? { type: 'refused', code: response.code, leader: response.leader } : unknownOutcome
  return Array.from({ length: count }, () => outcome)
}
