import type { Entry, LogIndex, Term } from '#core/raft/types.ts'
import type { ProposalOutcome, RefusalCode } from '#wire/peer-message.ts'
import type { Applied } from './replicated-machine.ts'

/** Commands that were asked for together and are answered together, in order. */
export interface ProposalBatch {
  readonly commands: readonly Uint8Array[]
  readonly done: (outcomes: readonly ProposalOutcome[]) => void
}

/**
 * Proposals of one group on their way: first waiting for the turn in which they are proposed together, then for their entries to be applied.
 * Each command has exactly one outcome. One whose fate cannot be known any more is `unknown`, never `refused` (pitfall 37).
 */
export class Proposals {
  #waiting: ProposalBatch[] = []
  readonly #open = new Map<LogIndex, { readonly term: Term; readonly position: number; readonly batch: OpenBatch }>()

  get open(): number {
    return this.#open.size
  }
  get waiting(): number {
    return this.#waiting.length
  }

  add(batch: ProposalBatch): void {
    this.#waiting.push(batch)
  }

  takeWaiting(): readonly ProposalBatch[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }

  /** The commands of `batches` are in the log of `term` from `index` on. */
  opened(batches: readonly ProposalBatch[], index: LogIndex, term: Term): void {
    let next = index
    for (const { commands, done } of batches) {
      const batch: OpenBatch = { outcomes: [], left: commands.length, done }
      for (let position = 0; position < commands.length; position++) {
        this.#open.set(next, { term, position, batch })
        next = (next + 1) as LogIndex
      }
    }
  }

  /** Another entry at the index of a proposal proves that the proposal will never be carried out. */
  applied(entry: Entry, applied: Applied): void {
    const open = this.#open.get(entry.index)
    if (open === undefined) return
    this.#open.delete(entry.index)
    settle(open.batch, open.position, open.term === entry.term ? outcomeOf(entry, applied) : refusedProposal('not-leader'))
  }

  /** Leadership is lost: what is in the log may or may not be carried out by the next leader. */
  abandon(): void {
    for (const { batch, position } of this.#open.values()) settle(batch, position, unknownOutcome)
    this.#open.clear()
  }
}

interface OpenBatch {
  readonly outcomes: ProposalOutcome[]
  left: number
  readonly done: (outcomes: readonly ProposalOutcome[]) => void
}

export const unknownOutcome: ProposalOutcome = { type: 'unknown' }
export const refusedProposal = (code: RefusalCode): ProposalOutcome => ({ type: 'refused', code, leader: null })

function outcomeOf(entry: Entry, applied: Applied): ProposalOutcome {
  switch (applied.type) {
    case 'answer':
      return { type: 'applied', index: entry.index, answer: applied.answer }
    case 'session-lost':
      return refusedProposal('session-lost')
    case 'nothing':
      return unknownOutcome
  }
}

function settle(batch: OpenBatch, position: number, outcome: ProposalOutcome): void {
  batch.outcomes[position] = outcome
  batch.left--
  if (batch.left === 0) batch.done(batch.outcomes)
}
