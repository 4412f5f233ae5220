import { join } from 'node:path'
import { LockFile } from '#io/lmdb/lock-file.ts'
import { StoreFault } from '#io/store-fault.ts'

export type Claim =
  | { readonly type: 'claimed'; release(): void }
  /** `detail` says which process has it. */
  | { readonly type: 'taken'; readonly detail: string }
  /** Such as one that may not be written to. */
  | { readonly type: 'unusable'; readonly detail: string }

/** A folder for this process alone, until it is released or the process is gone. */
export function claimFolder(folder: string): Claim {
  try {
    const file = new LockFile(join(folder, 'up.lock'))
    return { type: 'claimed', release: () => file.release() }
  } catch (error) {
    if (error instanceof StoreFault) return { type: 'taken', detail: error.message }
    if (error instanceof Error && 'syscall' in error) return { type: 'unusable', detail: error.message }
    throw error
  }
}
