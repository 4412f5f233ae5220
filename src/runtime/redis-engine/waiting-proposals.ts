import type { Millis } from '#base/brand.ts'
import { runtimeLimits } from '#runtime/limits.ts'
import type { ProposalBatch } from '#runtime/proposals.ts'
import { refusedProposal } from '#runtime/proposals.ts'
import type { ProposalOutcome, RefusalCode } from '#wire/peer-message.ts'
import { replicaOf } from './engine-host.ts'
import { redisEngineLimits as limits } from './limits.ts'

/** What was proposed for one slot and is not on its way to Redis: certainly not carried out. */
export class WaitingProposals {
  #batches: Waiting[] = []
  #commands = 0
  #bytes = 0

  /** False when there is no room for it. One that is alone always has room. */
  add(batch: ProposalBatch, now: Millis): boolean {
    this.#expire(now)
    const bytes = bytesOf(batch)
    const isFull = this.#commands >= limits.waitingMax || (this.#commands > 0 && this.#bytes + bytes > limits.waitingBytesMax)
    if (isFull) return false
    this.#batches.push({ batch, bytes, since: now })
    this.#commands += batch.commands.length
    this.#bytes += bytes
    return true
  }

  /** As many as fit in one append, and at least one where there is one that somebody waits for. */
  take(now: Millis): readonly ProposalBatch[] {
    this.#expire(now)
    let entries = 0
    let bytes = 0
    let count = 0
    for (const each of this.#batches) {
      entries += each.batch.commands.length
      bytes += each.bytes
      const isFull = entries > limits.batchEntriesMax || bytes > limits.batchBytesMax
      if (isFull && count > 0) break
      count++
    }
    return this.#shift(count)
  }

  /** Another node asks again when it has waited for so long, so what it asked before would only be kept beside its copy. */
  #expire(now: Millis): void {
    const fresh = this.#batches.findIndex(({ since }) => now - since < runtimeLimits.proposeTimeoutMs)
    const expired = this.#shift(fresh === -1 ? this.#batches.length : fresh)
    for (const batch of expired) refuse(batch, 'not-leader', null)
  }

  #shift(count: number): readonly ProposalBatch[] {
    const taken = this.#batches.slice(0, count)
    if (count > 0) this.#batches = this.#batches.slice(count)
    for (const { batch, bytes } of taken) {
      this.#commands -= batch.commands.length
      this.#bytes -= bytes
    }
    return taken.map(({ batch }) => batch)
  }

  refuse(code: RefusalCode): void {
    const batches = this.#batches
    this.#batches = []
    this.#commands = 0
    this.#bytes = 0
    for (const { batch } of batches) refuse(batch, code, null)
  }
}

/** `owner` is the member to ask instead. */
export function refuse({ commands, done }: ProposalBatch, code: RefusalCode, owner: string | null): void {
  const outcome: ProposalOutcome = { ...refusedProposal(code), leader: owner === null ? null : replicaOf(owner) } as ProposalOutcome
  done(commands.map(() => outcome))
}

interface Waiting {
  readonly batch: ProposalBatch
  readonly bytes: number
  readonly since: Millis
}

const bytesOf = ({ commands }: ProposalBatch): number => commands.reduce((sum, { length }) => sum + length, 0)
