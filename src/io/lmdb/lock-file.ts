import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder } from '#io/make-folder.ts'
import { StoreFault } from '#io/store-fault.ts'

/** Who holds a folder: `started` tells a process from a later one under the same id, as in a container that always has the same. */
interface Holder {
  readonly pid: number
  readonly started: string
  readonly token: string
}

/**
 * A file that names the process which has the folder. One left behind by a process that is gone, or by an earlier life of this
 * process id, is reclaimed. Processes that cannot see each other (containers on one volume) are told apart by the token,
 * which is also kept inside the store: see `Environment.claim`.
 */
export class LockFile {
  readonly token = randomUUID()
  readonly #path: string

  /** Throws a fault when another process, or another store in this one, has the folder. */
  constructor(path: string) {
    this.#path = path
    makeFolder(dirname(path))
    const draft = `${path}.${this.token}`
    const mine: Holder = { pid: process.pid, started: startOf(process.pid), token: this.token }
    writeFileSync(draft, `${JSON.stringify(mine)}\n`)
    try {
      this.#take(draft)
    } finally {
      rmSync(draft, { force: true })
    }
  }

  /** A link to the draft appears with its content, or not at all. */
  #take(draft: string): void {
    const path = this.#path
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        linkSync(draft, path)
        return
      } catch (error) {
        if (!exists(error)) throw error
      }
      const holder = readHolder(path)
      if (holder !== null && isAlive(holder)) throw new StoreFault('locked', `process ${holder.pid} has this store (${path})`)
      rmSync(path, { force: true })
    }
    throw new StoreFault('locked', `another process keeps taking ${path}`)
  }

  /** Lets go, unless somebody else has reclaimed the file meanwhile. */
  release(): void {
    if (readHolder(this.#path)?.token === this.token) rmSync(this.#path, { force: true })
  }
}

const exists = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EEXIST'

/** Null for a file that says nothing sensible: nobody could be asked whether he still holds it. */
function readHolder(path: string): Holder | null {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof holder !== 'object' || holder === null) return null
    const { pid, started, token } = holder as Partial<Holder>
    return typeof pid === 'number' && typeof started === 'string' && typeof token === 'string' ? { pid, started, token } : null
  } catch {
    // Not there any more, or not JSON: nobody holds it.
    return null
  }
}

function isAlive({ pid, started }: Holder): boolean {
  if (!isRunning(pid)) return false
  const now = startOf(pid)
  return now === '' || started === '' || now === started
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, under another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** When a process began, in ticks since this boot; empty where the system does not say. */
function startOf(pid: number): string {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name, in brackets, may hold spaces; the start is the 22nd field, the 20th after it.
    const ticks = status.slice(status.lastIndexOf(')') + 2).split(' ')[19] ?? ''
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${ticks}`
  } catch {
    // No /proc here: the process id alone has to do.
    return ''
  }
}
