import type { Told } from './claims.ts'
import type { Change } from './changes.ts'
import { add, change, changeMany, readKey, remove, write } from './changes.ts'
import type { ClientPorts } from './client-ports.ts'

/** Reads and changes a few keys by way of any node, as over HTTP. */
export async function runCaller(ports: ClientPorts): Promise<void> {
  const { actor, options, keys, isOver, did } = ports
  /** What it was told last of each key that has a value. */
  const known = new Map<string, Told>()
  for (;;) {
    await actor.think(options.thinkMs)
    if (isOver()) return
    const key = actor.prng.pick(keys)
    if (actor.prng.chance(options.batchShare)) await batch(ports)
    else if (actor.prng.chance(options.readShare)) note(known, key, await readKey(ports, key))
    else {
      const wanted = draw(ports, key, known.get(key) ?? null)
      // Each addition of unknown outcome doubles what the checker must consider.
      const isSure = wanted.input.type === 'add' && options.onceShare > 0
      const once = !wanted.owner && actor.prng.chance(isSure ? 0.95 : options.onceShare)
      did(wordOf(wanted))
      note(known, key, await change(ports, wanted, { once }))
    }
  }
}

function note(known: Map<string, Told>, key: string, told: Told | null): void {
  if (told === null || told.value === null) known.delete(key)
  else known.set(key, told)
}

async function batch(ports: ClientPorts): Promise<void> {
  const { actor, keys, did } = ports
  did('batch')
  const wanted = Array.from({ length: actor.prng.between(2, 4) }, () => {
    const key = actor.prng.pick(keys)
    return actor.prng.chance(0.3) ? remove(key, null) : write(key, ports.nextValue())
  })
  await changeMany(ports, wanted)
}

function draw(ports: ClientPorts, key: string, over: Told | null): Change {
  const { actor, options, nextValue, addends } = ports
  const { prng } = actor
  const dice = prng.float()
  if (dice < 0.1) return remove(key, null)
  if (dice < 0.15) return over === null ? remove(key, null) : remove(key, over)
  if (dice < 0.22) return add(key, addends.draw(prng))
  if (dice < 0.35) return write(key, nextValue(), { if_absent: true })
  if (dice < 0.55) return write(key, nextValue(), over === null ? { if_absent: true } : { if_version: over })
  if (prng.chance(options.ttlShare)) return write(key, nextValue(), { ttl_ms: prng.pick([50, 500, 3_000, 20_000]) })
  return write(key, nextValue(), prng.chance(options.ownerShare) ? { ack: 'owner' } : {})
}

function wordOf({ input, owner }: Change): string {
  switch (input.type) {
    case 'add':
      return 'increment'
    case 'create':
      return 'write-if-absent'
    case 'replace':
      return 'write-if-version'
    case 'delete-if':
      return 'delete-if-version'
    case 'delete':
      return 'delete'
    default:
      return owner ? 'write-owner' : 'write'
  }
}
