import { close, existsSync, fdatasync, fdatasyncSync, openSync, write, writeSync } from 'node:fs'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Pace } from '#io/pace.ts'
import { StoreFault } from '#io/store-fault.ts'
import { limits, pageBytes } from './limits.ts'

/** Written ahead, so that a write changes nothing but data and one sync makes it durable. */
export async function createJournal(folder: string, journal: number): Promise<void> {
  const file = await open(pathOf(folder, journal), 'w')
  const zeros = Buffer.alloc(256 * pageBytes)
  for (let left = limits.pages * pageBytes; left > 0; left -= zeros.length) await file.write(zeros, 0, Math.min(left, zeros.length))
  await file.sync()
  await file.close()
  await syncFolder(folder)
}

/**
 * All of a journal, taken away from whoever may still write to it: a process that cannot be seen from here (in another container on the
 * same volume) finds its file gone after its next write, and reports nothing. Throws a fault when it is not there as it was.
 */
export async function seizeJournal(folder: string, journal: number): Promise<Buffer> {
  const [path, seized] = [pathOf(folder, journal), `${pathOf(folder, journal)}.seized`]
  if (existsSync(path)) await rename(path, seized)
  else if (!existsSync(seized)) throw new StoreFault('damaged', `the journal ${path} is gone.`)
  const file = await open(seized, 'r')
  try {
    const bytes = await file.readFile()
    if (bytes.length === limits.pages * pageBytes) return bytes
    throw new StoreFault('damaged', `the journal ${path} has ${bytes.length} bytes in place of ${limits.pages * pageBytes}.`)
  } finally {
    await file.close()
  }
}

/** Deletes all journals but the one in use. */
export async function tidyJournals(folder: string, used: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^journal-[0-9a-f]{8}(?:\.seized)?$/.test(name) && name !== nameOf(used)) await rm(join(folder, name))
  }
}

/** The journal that is written to, one record at a time. */
export class JournalFile {
  readonly #path: string
  readonly #descriptor: number
  readonly #pace = new Pace()

  constructor(folder: string, journal: number) {
    this.#path = pathOf(folder, journal)
    this.#descriptor = openSync(this.#path, 'r+')
  }

  /**
   * Reports once the record is durable, or what was thrown. A small one is written here and now, and `done` is called before this returns;
   * a large one, or any while the disk is slow, is written on another thread.
   */
  write(record: Uint8Array, page: number, done: (thrown: unknown) => void): void {
    const startedAt = performance.now()
    const settle = (thrown: unknown): void => {
      this.#pace.took(record.length, performance.now() - startedAt)
      done(thrown ?? this.#seizure())
    }
    if (this.#pace.inline(record.length)) settle(this.#writeInline(record, page))
    else this.#writeOnThread(record, page, settle)
  }

  close(done: () => void): void {
    close(this.#descriptor, done)
  }

  #writeInline(record: Uint8Array, page: number): unknown {
    try {
      const written = writeSync(this.#descriptor, record, 0, record.length, page * pageBytes)
      if (written !== record.length) return cutShort(written, record.length)
      fdatasyncSync(this.#descriptor)
      return null
    } catch (error) {
      return error
    }
  }

  #writeOnThread(record: Uint8Array, page: number, settle: (thrown: unknown) => void): void {
    write(this.#descriptor, record, 0, record.length, page * pageBytes, (error, written) => {
      if (error !== null) settle(error)
      else if (written !== record.length) settle(cutShort(written, record.length))
      else fdatasync(this.#descriptor, settle)
    })
  }

  #seizure(): StoreFault | null {
    if (existsSync(this.#path)) return null
    return new StoreFault('locked', `the journal ${this.#path} is gone: another process has taken this store over, or somebody removed it`)
  }
}

const cutShort = (written: number, length: number): StoreFault =>
  new StoreFault('io-error', `a write to the journal was cut short after ${written} of ${length} bytes`)

const nameOf = (journal: number): string => `journal-${journal.toString(16).padStart(8, '0')}`
const pathOf = (folder: string, journal: number): string => join(folder, nameOf(journal))

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a directory, nor need it be synced there.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  await folder.sync()
  await folder.close()
}
