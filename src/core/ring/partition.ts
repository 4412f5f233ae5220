import { assert } from '#base/assert.ts'
import { bucketOf } from './hash.ts'
import { partitionsMax, slotsMax } from './limits.ts'

/** A key's partition, in [0, partitions). Fixed while the number of partitions is, and that is fixed for life (decision Q8). */
export function partitionOf(key: string, partitions: number): number {
  assert(partitions >= 1 && partitions <= partitionsMax, 'partitions out of range')
  return bucketOf(key, partitions)
}

/**
 * The slot of a partition, in [1, slots]: group 0 is the meta group. The name chooses where to begin and the partitions go on from
 * there, so as many partitions as there are slots lie on different ones; hashing each by itself would put several on one.
 */
export function slotOf(name: string, partition: number, slots: number): number {
  assert(slots >= 1 && slots <= slotsMax, 'slots out of range')
  assert(Number.isSafeInteger(partition) && partition >= 0, 'a partition is a natural number')
  return 1 + ((bucketOf(name, slots) + partition) % slots)
}
