import { assert } from '#base/assert.ts'
import type { Entry } from '#core/raft/types.ts'
import { copyEntry } from '#io/entry-codec/entries.ts'
import { emptyGroup } from '#ports/log-store.ts'
import type { LoadOutcome, StoredGroup } from '#ports/log-store.ts'
import type { JournaledBatch, JournaledWrite } from './batch-codec.ts'

export type Loaded = Extract<LoadOutcome, { type: 'loaded' }>

/** A group as it was loaded, until the last batch has been taken in. */
type Draft = Omit<StoredGroup, 'entries'> & { readonly entries: Entry[] }

/** What the store beneath would load if it had these batches too. */
export function replay(loaded: Loaded, batches: readonly JournaledBatch[]): Loaded {
  const drafts = new Map<number, Draft>(loaded.groups.map((group) => [group.group, { ...group, entries: [...group.entries] }]))
  let { node } = loaded
  for (const batch of batches) {
    node = copyOf(batch.node) ?? node
    for (const write of batch.groups)
      drafts.set(write.group, written(drafts.get(write.group) ?? { ...emptyGroup(write.group), entries: [] }, write))
  }
  return { ...loaded, node, groups: [...drafts.values()].sort((left, right) => left.group - right.group) }
}

function written(draft: Draft, { about, hardState, truncateFrom, entries: more }: JournaledWrite): Draft {
  const { base, entries, partial } = draft
  if (truncateFrom !== null) entries.length = Math.min(entries.length, truncateFrom - base.index - 1)
  for (const entry of more) {
    assert(entry.index === base.index + entries.length + 1, 'entries follow one another without a gap')
    entries.push(copyEntry(entry))
  }
  const overtaken = partial !== null && partial.index <= base.index + entries.length
  return { ...draft, about: copyOf(about) ?? draft.about, hardState: hardState ?? draft.hardState, partial: overtaken ? null : partial }
}

const copyOf = (bytes: Uint8Array | null): Uint8Array | null => (bytes === null ? null : new Uint8Array(bytes))
