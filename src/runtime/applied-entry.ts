import type { Entry, LogIndex } from '#core/raft/types.ts'
import type { LogStore, StoreFailure } from '#ports/log-store.ts'
import type { Group } from './group.ts'

/**
 * Reads an entry that a replica has applied; null when it does not have it any more. The log in memory comes first, for the store may be behind it:
 * 1. This node has written entry 297 of term 11, which was never committed. A newer leader has another one there.
 * 2. Its own write takes long. The others have theirs on disk, so the new entry is committed, and applied here too.
 * 3. Until its write has ended, the store has the entry of term 11: it would be taken for the one that was applied.
 */
export function readAppliedEntry(
  { group, store }: { readonly group: Group | undefined; readonly store: LogStore },
  { id, index }: { readonly id: number; readonly index: LogIndex },
  done: (read: Entry | null | StoreFailure) => void,
): void {
  const kept = group?.raft.entryAt(index) ?? null
  if (kept === null) store.readEntry(id, index, done)
  else done(kept)
}
