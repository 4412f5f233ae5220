import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const ofStore = /^(?:data\.mdb|lock\.mdb|store\.lock|journal-[0-9a-f]{8}(?:\.seized)?)$/

/** Removes the store in a folder, and nothing else that may be there. Who had it open uses it no more. */
export function emptyStore(folder: string): void {
  for (const name of readdirSync(folder)) if (ofStore.test(name)) rmSync(join(folder, name))
}
