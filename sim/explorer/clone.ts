import { Heap } from '#base/heap.ts'

/**
 * A deep copy of plain state: objects of any class, maps, sets and arrays, with whatever refers to what. Frozen objects never change and are
 * shared; a class with private fields cannot be copied, and none of those explored has any but the heap, whose items never change.
 */
export function clone<T>(value: T): T {
  return copy(value, new Map()) as T
}

function copy(value: unknown, seen: Map<object, object>): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const known = seen.get(value)
  if (known !== undefined) return known
  if (value instanceof Map) {
    const map = new Map<unknown, unknown>()
    seen.set(value, map)
    for (const [key, item] of value) map.set(copy(key, seen), copy(item, seen))
    return map
  }
  if (value instanceof Heap) {
    const heap = value.copy()
    seen.set(value, heap)
    return heap
  }
  if (value instanceof Set) {
    const set = new Set<unknown>()
    seen.set(value, set)
    for (const item of value) set.add(copy(item, seen))
    return set
  }
  if (Array.isArray(value)) {
    const array: unknown[] = []
    seen.set(value, array)
    for (const item of value) array.push(copy(item, seen))
    return array
  }
  const object = Object.create(Object.getPrototypeOf(value) as object | null) as Record<string, unknown>
  seen.set(value, object)
  for (const key of Object.keys(value)) object[key] = copy((value as Record<string, unknown>)[key], seen)
  return object
}
