import { statfs } from 'node:fs/promises'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'

/** Below this share there is no room, nor below twice what the store needs to go on at all. */
const lowShare = 0.05
const lowBytes = 128 * 1024 * 1024
/** So many times that is enough again. */
const enough = 1.2
const lookMs = 1_000

export interface DiskSpace {
  /** Bytes. */
  readonly free: number
  readonly total: number
}

export interface DiskRoomOptions {
  readonly space: () => Promise<DiskSpace>
  readonly clock: Clock
}

/**
 * Whether a disk has room for what only grows. It is looked at every second, so that a node stops taking such things while it can still write all
 * that they need afterwards.
 */
export class DiskRoom {
  readonly #options: DiskRoomOptions
  #has = true
  #next: Cancel | null = null

  constructor(options: DiskRoomOptions) {
    this.#options = options
  }

  get has(): boolean {
    return this.#has
  }

  start(telemetry: Telemetry): void {
    this.#next = this.#options.clock.after(0, () => void this.#look(telemetry))
  }

  stop(): void {
    this.#next?.()
    this.#next = null
  }

  async #look(telemetry: Telemetry): Promise<void> {
    // A disk that cannot be asked is the store's matter.
    const space = await this.#options.space().catch(() => null)
    const has = space === null ? this.#has : hasRoom(space, this.#has)
    if (has !== this.#has) telemetry.log('warn', has ? 'disk-has-room' : 'disk-low', { freeBytes: space?.free ?? 0 })
    this.#has = has
    if (this.#next !== null) this.#next = this.#options.clock.after(lookMs, () => void this.#look(telemetry))
  }
}

function hasRoom({ free, total }: DiskSpace, had: boolean): boolean {
  const low = Math.max(lowBytes, total * lowShare)
  return free >= (had ? low : low * enough)
}

/** Of the disk that a folder is on. */
export async function spaceOf(folder: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(folder)
  return { free: bavail * bsize, total: blocks * bsize }
}
