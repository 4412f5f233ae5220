import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A disk of its own for a node, in memory, small enough to be filled. Mounting one takes root. */
export class SmallDisk implements Disposable {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Null where this process may not mount. */
  static at(folder: string, mebibytes: number): SmallDisk | null {
    mkdirSync(folder, { recursive: true })
    try {
      execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder], { stdio: 'ignore' })
      return new SmallDisk(folder)
    } catch {
      // No mount, no root, or no leave: the test says that it was skipped.
      return null
    }
  }

  get #filler(): string {
    return join(this.folder, 'filler')
  }

  /** Leaves so many bytes. */
  fill(leftBytes: number): void {
    const { bavail, bsize } = statfsSync(this.folder)
    writeFileSync(this.#filler, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes)))
  }

  free(): void {
    truncateSync(this.#filler)
    rmSync(this.#filler)
  }

  [Symbol.dispose](): void {
    execFileSync('/bin/umount', ['--lazy', this.folder], { stdio: 'ignore' })
  }
}
