import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, statSync, truncateSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { RootDatabase } from 'lmdb'
import { open } from 'lmdb'
import type { KeyRange } from './keys.ts'
import { everything, ownerKey } from './keys.ts'
import { limits } from './limits.ts'
import { makeFolder } from '#io/make-folder.ts'
import { StoreFault } from '#io/store-fault.ts'

/**
 * How LMDB is opened so that a transaction that was reported is durable (decision R6).
 *
 * On POSIX systems lmdb-js turns `overlappingSync` on by default: a commit then writes its pages and resolves once they are *visible*,
 * and a later fdatasync makes them durable. With it off, and neither `noSync` nor `noMetaSync`, `mdb_txn_commit` is LMDB's own: write the
 * changed pages, fdatasync, then write the meta page that makes them the newest state through a descriptor opened with O_DSYNC. Only
 * then does it return, on whichever thread it runs. A crash at any point leaves the previous meta page in force: a transaction is there
 * as a whole or not at all.
 */
export const durableOptions = {
  overlappingSync: false,
  noSync: false,
  noMetaSync: false,
  useWritemap: false,
  mapAsync: false,
} as const

const pageBytes = 4_096
/** Where a meta page bears its mark, behind the header of the page. */
const markOffset = 24
const mark = 0xbeef_c0de

/** One LMDB environment with one tree of bytes: reads that return copies, and transactions on this thread or on LMDB's. */
export class Environment {
  readonly #database: RootDatabase<Uint8Array, Uint8Array>
  readonly #freeBytes: () => number
  #owner: Uint8Array | null = null

  /** Throws what LMDB throws. */
  constructor({ folder, freeBytes }: { readonly folder: string; readonly freeBytes: () => number }) {
    this.#freeBytes = freeBytes
    makeFolder(folder)
    const file = join(folder, 'data.mdb')
    refuseForeignFile(file)
    this.#database = open<Uint8Array, Uint8Array>({
      ...durableOptions,
      path: folder,
      encoding: 'binary',
      keyEncoding: 'binary',
      mapSize: limits.mapBytes,
      pageSize: pageBytes,
      maxDbs: 1,
      // The pipeline makes its own batches.
      eventTurnBatching: false,
      commitDelay: 0,
    })
    try {
      extendFile(file, this.#database)
      // A file whose directory entry is lost is lost: LMDB leaves that to us.
      for (const path of [folder, dirname(folder)]) syncDirectory(path)
    } catch (error) {
      void this.#database.close()
      throw error
    }
  }

  /** But for whose it is. */
  get empty(): boolean {
    return this.keys(everything, 2).every((key) => Buffer.compare(key, ownerKey) === 0)
  }

  /** The first transaction, before anything is read. From it on, each makes sure that nobody else claimed the store since. */
  claim(token: Uint8Array): void {
    this.#checkSpace()
    this.#database.transactionSync(() => this.put(ownerKey, token))
    this.#owner = token
  }

  /** The number of the newest transaction, whoever made it. */
  get lastTransaction(): number {
    return (this.#database.getStats() as { readonly lastTxnId: number }).lastTxnId
  }

  /** A copy, never LMDB's memory. */
  get(key: Uint8Array): Uint8Array | undefined {
    return this.#database.getBinary(key)
  }

  keys({ start, end }: KeyRange, limit: number): Uint8Array[] {
    return [...this.#database.getKeys({ start, end, limit })]
  }

  /** The last key of a range. */
  lastKey({ start, end }: KeyRange): Uint8Array | undefined {
    for (const key of this.#database.getKeys({ start: end, reverse: true, limit: 2 })) {
      if (Buffer.compare(key, end) >= 0) continue
      return Buffer.compare(key, start) < 0 ? undefined : key
    }
    return undefined
  }

  /** Within a transaction only. LMDB reports trouble by throwing here (inline) or at the commit (on its thread). */
  put(key: Uint8Array, record: Uint8Array): void {
    void this.#database.put(key, record)
  }

  remove(key: Uint8Array): void {
    void this.#database.remove(key)
  }

  /** Durable when it returns; throws when it is not. Reads within see its writes. */
  inline(write: () => void): void {
    this.#checkSpace()
    this.#database.transactionSync(() => {
      this.#checkOwner()
      write()
    })
  }

  /** Durable when the promise resolves. `write` runs at once and must only put and remove; its reads would see the state before. */
  async onThread(write: () => void): Promise<void> {
    this.#checkSpace()
    this.#checkOwner()
    try {
      await this.#database.batch(write)
    } catch (error) {
      throw await causeOf(error)
    }
  }

  async close(): Promise<void> {
    await this.#database.close()
  }

  /** The LMDB in lmdb 3.5.6 overruns a buffer of 100 bytes when it reports a full disk (`last_error` in mdb.c): it must not get so far. */
  #checkSpace(): void {
    const free = this.#freeBytes()
    if (free < limits.freeBytesMin) throw new StoreFault('disk-full', `${free} bytes are free on the disk, ${limits.freeBytesMin} are kept`)
  }

  #checkOwner(): void {
    if (this.#owner === null) return
    const owner = this.get(ownerKey)
    if (owner !== undefined && Buffer.compare(owner, this.#owner) === 0) return
    throw new StoreFault('locked', 'another process has taken this store over: two processes run on one data folder')
  }
}

/** Each of the first two pages holds a meta page, which bears LMDB's mark. Without this check lmdb-js ends the process over another file. */
function refuseForeignFile(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_CREAT, 0o664)
  try {
    const { size } = fstatSync(descriptor)
    if (size === 0) return
    const bytes = Buffer.alloc(4)
    for (const page of [0, 1]) {
      readSync(descriptor, bytes, 0, 4, page * pageBytes + markOffset)
      if (bytes.readUInt32LE() === mark && size >= 2 * pageBytes) continue
      throw new StoreFault('damaged', `the file ${path} is not a store, or its beginning is gone.`)
    }
  } finally {
    closeSync(descriptor)
  }
}

/**
 * LMDB maps its file: to touch a page beyond its end would end the process. A file may well end before its last page, when a transaction
 * took that page and gave it back; or it was cut. So it gets as long as its newest state says, and what was cut off reads as zeros,
 * which fail the checks of LMDB, or the checksums of the records.
 */
function extendFile(path: string, database: RootDatabase<Uint8Array, Uint8Array>): void {
  const { lastPageNumber, pageSize } = database.getStats() as { readonly lastPageNumber: number; readonly pageSize: number }
  const expected = (lastPageNumber + 1) * pageSize
  if (statSync(path).size < expected) truncateSync(path, expected)
}

function syncDirectory(path: string): void {
  // Windows cannot open a directory, nor need it be synced there.
  if (process.platform === 'win32') return
  const descriptor = openSync(path, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

/** lmdb-js rejects with "Commit failed" and hides LMDB's own error in a promise that rejects. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  try {
    await error.commitError
  } catch (cause) {
    return cause
  }
  return error
}
