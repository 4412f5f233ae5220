import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'

/** Whether this process may listen there now. */
export function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** The process that listens on a port, as `process 42 (node src/main.ts up)`; null where that cannot be told. */
export function portHolder(port: number): string | null {
  const pid = listenerOf(port)
  if (pid === null) return null
  const command = commandOf(pid)
  return command === '' ? `process ${pid} has it` : `process ${pid} has it (${command})`
}

/** Its id; null where that cannot be told. */
export const listenerOf = (port: number): number | null => (process.platform === 'linux' ? pidOnLinux(port) : pidByLsof(port))

const listening = '0A'

function pidOnLinux(port: number): number | null {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of linesOf(table)) {
      const [, address = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
      if (state === listening && address.endsWith(local)) inodes.add(`socket:[${inode}]`)
    }
  }
  if (inodes.size === 0) return null
  const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && holdsOneOf(name, inodes))
  return pid === undefined ? null : Number(pid)
}

function holdsOneOf(pid: string, sockets: ReadonlySet<string>): boolean {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).some((descriptor) => sockets.has(readlinkSync(`${folder}/${descriptor}`)))
  } catch {
    // Gone meanwhile, or of another user.
    return false
  }
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(1)
  } catch {
    // A system without IPv6, or without /proc.
    return []
  }
}

function pidByLsof(port: number): number | null {
  const { stdout } = spawnSync('lsof', ['-nP', '-t', `-iTCP:${port}`, '-sTCP:LISTEN'], { encoding: 'utf8' })
  const pid = Number((stdout ?? '').split('\n')[0])
  return pid > 0 ? pid : null
}

function commandOf(pid: number): string {
  const text =
    process.platform === 'linux'
      ? linesOfCommand(pid)
      : (spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '').trim()
  return text.length > 120 ? `${text.slice(0, 119)}…` : text
}

function linesOfCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    // Gone meanwhile.
    return ''
  }
}
