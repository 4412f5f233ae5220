import { accessSync, constants } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/** The peers that a list with commas names; `none` is nobody. Throws for one that nobody knows. */
export function peersNamed<Peer extends string>(list: string, peers: readonly Peer[]): ReadonlySet<Peer> {
  const names = list.split(',').filter((name) => name !== '' && name !== 'none')
  const unknown = names.filter((name) => !(peers as readonly string[]).includes(name))
  if (unknown.length > 0) throw new Error(`there is no peer called ${unknown.join(', ')}; there are ${peers.join(', ')}, none`)
  return new Set(names as Peer[])
}

/** Whether its server can be started; says so when not. */
export function isPresent(command: string, packageName: string, say: (line: string) => void): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = isAbsolute(command) ? isExecutable(command) : folders.some((folder) => isExecutable(join(folder, command)))
  if (!found) say(`${command} is not installed, so its rows are left out (Debian has it as ${packageName})`)
  return found
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // It is not there, or not for us.
    return false
  }
}
