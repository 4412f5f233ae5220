import type { ConsoleControl } from '#api/common/console.ts'
import type { ConsoleOptions } from '#http/console/console-routes.ts'
import type { NodeOptions } from './node-options.ts'

type ConsoleParts = Pick<NodeOptions, 'address' | 'listen' | 'consolePeers' | 'access'>

export function consoleOf({ address, listen: { host }, consolePeers, access }: ConsoleParts): ConsoleOptions {
  return {
    own: address,
    peers: consolePeers,
    isLocal: /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(host),
    // Where tokens are asked for, not everybody who may look may kill.
    control: access.tokens === null ? controlOf(process.env['LOCKSTEP_CONSOLE_CONTROL'] ?? '') : null,
  }
}

/** As `lockstep up` tells its nodes: a url of this machine, and the token behind it. */
function controlOf(text: string): ConsoleControl | null {
  const { url, token } = /^(?<url>http:\/\/127\.0\.0\.1:\d{1,5})#(?<token>[\w-]{32})$/.exec(text)?.groups ?? {}
  return url === undefined || token === undefined ? null : { url, token }
}
