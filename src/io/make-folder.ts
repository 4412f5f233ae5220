import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/** With those that it is in. Node's own way does not return for a folder that cannot be, such as one in `/proc`. */
export function makeFolder(path: string): void {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent)
  try {
    mkdirSync(path)
  } catch (error) {
    // Somebody else has made it meanwhile.
    if (!existsSync(path)) throw error
  }
}
