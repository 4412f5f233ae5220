import { readdir, stat, statfs } from 'node:fs/promises'
import { freemem } from 'node:os'
import { join } from 'node:path'
import type { StorageUse } from '#services/queue/viewing.ts'

/** What a folder takes of its disk; null is memory. */
export async function storageUse(folder: string | null): Promise<StorageUse> {
  if (folder === null) return { used: process.memoryUsage().rss, free: freemem(), durable: false }
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(files.filter((file) => file.isFile()).map(({ parentPath, name }) => sizeOf(join(parentPath, name))))
  const { bavail, bsize } = await statfs(folder)
  return { used: sizes.reduce((sum, size) => sum + size, 0), free: bavail * bsize, durable: true }
}

/** As much of the disk as it takes, and nothing when it is gone meanwhile. */
const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  )
