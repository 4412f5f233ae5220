import { write, writeSync } from 'node:fs'
import { Deque } from '#base/deque.ts'

export const logOutputLimits = {
  /** What waits for a reader that takes nothing; beyond, lines are dropped and counted. */
  waitingBytesMax: 16 * 1_048_576,
  /** Written at once, but for a longer line: a pipe does not mix it with what is written at the end of the process. */
  writeBytes: 4_096,
  /** Before what could not be taken is offered again. */
  againMs: 20,
  /** At the end of the process, for as long as nothing is taken. */
  farewellMs: 500,
} as const

/**
 * Lines for whoever reads a file descriptor, in order, without waiting for that reader. What waits when the process ends is written for as long as it is
 * taken. To a reader that is gone nothing is written any more.
 *
 * (The destination that pino brings tries for ever, at the end of a process, to write to a reader that is gone.)
 */
export class LogOutput {
  readonly #fd: number
  readonly #dropped: (lines: number) => void
  readonly #waiting = new Deque<Buffer>()
  #bytes = 0
  #lost = 0
  #isWriting = false
  #isGone = false

  /** `dropped` is called when lines are taken again that were not for a while. */
  constructor(fd: number, dropped: (lines: number) => void) {
    this.#fd = fd
    this.#dropped = dropped
    process.once('exit', () => this.#flush())
  }

  write(line: string): void {
    if (this.#isGone) return
    const bytes = Buffer.from(line)
    if (this.#bytes + bytes.length > logOutputLimits.waitingBytesMax) {
      this.#lost++
      return
    }
    this.#waiting.push(bytes)
    this.#bytes += bytes.length
    if (!this.#isWriting) this.#next()
  }

  #next(): void {
    this.#isWriting = this.#bytes > 0
    if (this.#isWriting) this.#put(this.#take(logOutputLimits.writeBytes))
  }

  #put(bytes: Buffer): void {
    write(this.#fd, bytes, (error, written) => {
      if (error !== null) return this.#refused(error, bytes)
      if (written < bytes.length) return this.#put(bytes.subarray(written))
      const lost = this.#lost
      this.#lost = 0
      if (lost > 0) this.#dropped(lost)
      this.#next()
    })
  }

  #refused(error: Error, bytes: Buffer): void {
    if (!isBusy(error)) return this.#end()
    this.#waiting.unshift(bytes)
    this.#bytes += bytes.length
    setTimeout(() => this.#next(), logOutputLimits.againMs)
  }

  #flush(): void {
    let bytes = this.#take(Infinity)
    for (let waitedMs = 0; bytes.length > 0 && waitedMs < logOutputLimits.farewellMs;) {
      try {
        bytes = bytes.subarray(writeSync(this.#fd, bytes))
        waitedMs = 0
      } catch (error) {
        if (!isBusy(error)) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, logOutputLimits.againMs)
        waitedMs += logOutputLimits.againMs
      }
    }
  }

  #take(bytesMax: number): Buffer {
    const lines: Buffer[] = []
    let bytes = 0
    for (let line = this.#waiting.at(0); line !== undefined; line = this.#waiting.at(0)) {
      if (lines.length > 0 && bytes + line.length > bytesMax) break
      this.#waiting.shift()
      lines.push(line)
      bytes += line.length
    }
    this.#bytes -= bytes
    return Buffer.concat(lines)
  }

  #end(): void {
    this.#isGone = true
    this.#waiting.clear()
    this.#bytes = 0
  }
}

const isBusy = (error: unknown): boolean => error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EBUSY')
