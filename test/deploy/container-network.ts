import dns from 'node:dns'
import { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import os from 'node:os'

/**
 * Stands for the network of containers, in a process that knows nothing of it: names are looked up in a file, each name has an address of the
 * loopback network of its own, and all ports are moved by so many, so that nothing else on this machine is in the way. Everything above sockets is as ever.
 *
 * As a module of `node --import` it makes its process the container that `CONTAINER` in the environment says.
 */
export interface ContainerNetwork {
  /** Names and addresses of the containers there are by now. */
  readonly hosts: Readonly<Record<string, string>>
  readonly portOffset: number
}

/** Which container this is; `host` is null for a program of the same network that serves nothing. */
export interface Container {
  readonly host: string | null
  readonly networkFile: string
}

/** What is looked up is in use, whoever has imported it by its name. */
export function enterNetwork({ host, networkFile }: Container): void {
  const network = (): ContainerNetwork => JSON.parse(readFileSync(networkFile, 'utf8')) as ContainerNetwork
  const own = (): string | undefined => (host === null ? undefined : network().hosts[host])
  if (host !== null) os.hostname = () => host
  replaceLookUp((name) => network().hosts[name])
  replaceMethod(net.Server.prototype, 'listen', (args) => {
    const [options, ...more] = args
    const address = own()
    const isTcp = typeof options === 'object' && options !== null && 'port' in options && address !== undefined
    return isTcp ? [{ ...options, host: address, port: Number(options.port) + network().portOffset }, ...more] : args
  })
  replaceMethod(net.Socket.prototype, 'connect', (args) => {
    const options = optionsOf(args)
    const { hosts, portOffset } = network()
    const named = options?.host ?? 'localhost'
    const wanted = isLoopback(named) ? own() : named
    if (options?.port !== undefined && wanted !== undefined && (wanted in hosts || Object.values(hosts).includes(wanted))) {
      options.host = wanted
      options.port = Number(options.port) + portOffset
    }
    return args
  })
  syncBuiltinESMExports()
}

type Method = (this: unknown, ...args: unknown[]) => unknown

/** The method is called with what `moved` makes of its arguments. */
function replaceMethod(of: object, name: string, moved: (args: unknown[]) => unknown[]): void {
  const methods = of as Record<string, Method>
  const former = methods[name] as Method
  methods[name] = function replaced(this: unknown, ...args) {
    return former.apply(this, moved(args))
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '127.0.0.1'

interface Target {
  host?: string
  port?: number | string
}

/** A copy of them, in their place: Node.js passes a list of its own on from `net.connect`. */
function optionsOf(args: unknown[]): Target | null {
  const list = Array.isArray(args[0]) ? (args[0] as unknown[]) : args
  if (typeof list[0] !== 'object' || list[0] === null || !('port' in list[0])) return null
  const copy: Target = { ...(list[0] as Target) }
  list[0] = copy
  return copy
}

function replaceLookUp(addressOf: (name: string) => string | undefined): void {
  const stub = (name: string, options: unknown, given?: unknown): void => {
    const done = (given ?? options) as (error: Error | null, address?: unknown, family?: number) => void
    const address = net.isIP(name) > 0 ? name : addressOf(name)
    const isForAll = typeof options === 'object' && options !== null && 'all' in options && options.all === true
    setImmediate(() => {
      if (address === undefined) done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND', hostname: name }))
      else if (isForAll) done(null, [{ address, family: 4 }])
      else done(null, address, 4)
    })
  }
  dns.lookup = stub as typeof dns.lookup
}

const { CONTAINER: container } = process.env
if (container !== undefined) enterNetwork(JSON.parse(container) as Container)
