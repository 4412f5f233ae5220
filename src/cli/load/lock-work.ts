import { setImmediate } from 'node:timers/promises'
import type { Lock } from '#sdk/lock.ts'
import type { Lockstep } from '#sdk/lockstep.ts'
import type { Work } from './work.ts'

/** Fewer names than clients, so that they wait for each other. */
const clientsPerName = 4

/**
 * Takes a lock and gives it back. Wrong is a grant while another client of this process has the lock, and one whose fencing token is not
 * larger than that of the grant before.
 */
export function lockWork(sync: Lockstep, { tag, clients }: { readonly tag: string; readonly clients: number }): Work {
  const wrong: string[] = []
  const names = Math.max(1, Math.floor(clients / clientsPerName))
  const holders = new Map<string, Lock>()
  const tokens = new Map<string, number>()
  return {
    name: 'lock pairs',
    clients,
    wrong,
    async turn(client, signal) {
      const name = `bench-${tag}-${client % names}`
      const lock = await sync.lock(name, { signal })
      const last = tokens.get(name) ?? 0
      if (holders.get(name)?.isHeld() === true) wrong.push(`${name} was granted while another had it`)
      if (lock.fencingToken <= last) wrong.push(`${name} was granted with token ${lock.fencingToken} after ${last}`)
      holders.set(name, lock)
      tokens.set(name, lock.fencingToken)
      // The others have a chance to be granted it too.
      await setImmediate()
      await lock.release()
      return 1
    },
  }
}
