import { type IncomingMessage, request } from 'node:http'
import { type Socket, connect as connectTcp } from 'node:net'
import { tlsFault } from '#base/tls-faults.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Address } from '#ports/transport.ts'
import type { Upgrade } from './upgrade.ts'

export type DialOutcome =
  | { readonly type: 'upgraded'; readonly socket: Socket; readonly head: Uint8Array }
  /** `absent`: nobody is there yet. A node that starts refuses connections at first, and then says that it starts. */
  | { readonly type: 'failed'; readonly detail: string; readonly absent: boolean }

export interface DialOptions {
  readonly address: Address
  readonly upgrade: Upgrade
  readonly connect: (host: string, port: number) => Socket
  readonly limitMs: number
  readonly clock: Clock
  /** Called once, not before `dial` returns, unless the dial was cancelled. */
  readonly done: (outcome: DialOutcome) => void
}

export const plainConnect = (host: string, port: number): Socket => connectTcp({ host, port, noDelay: true })

/** Connects and asks for the upgrade. */
export function dial({ address, upgrade, connect, limitMs, clock, done }: DialOptions): Cancel {
  const target = parseAddress(address)
  if (target === null) return clock.after(0, () => done(failed(`not an address: ${address}`)))
  const { host, port } = target
  const headers = { connection: 'Upgrade', upgrade: upgrade.protocol }
  const asking = request({ createConnection: () => connect(host, port), host, port, path: upgrade.path, headers })
  const cancelLimit = clock.after(limitMs, () => asking.destroy(new Error('no answer in time')))
  let over = false
  const settle = (outcome: DialOutcome | null): boolean => {
    if (over) return false
    over = true
    cancelLimit()
    if (outcome !== null) done(outcome)
    return true
  }
  asking.on('error', (error: NodeJS.ErrnoException) => settle(failed(reasonOf(error), error.code === 'ECONNREFUSED')))
  asking.on('response', (response: IncomingMessage) => {
    const { statusCode = 0, socket } = response
    const end = (outcome: DialOutcome): void => {
      settle(outcome)
      // Once the answer is complete the request has let go of it.
      socket.destroy()
    }
    if (statusCode === 503) end(failed('it is starting', true))
    else readAnswer(response, (message) => end(failed(`answered HTTP ${statusCode} instead of an upgrade${message}`)))
  })
  asking.on('upgrade', (_response: IncomingMessage, socket: Socket, head: Uint8Array) => {
    if (!settle({ type: 'upgraded', socket, head })) socket.destroy()
  })
  asking.end()
  return () => {
    if (settle(null)) asking.destroy()
  }
}

const reasonOf = ({ code, message }: NodeJS.ErrnoException): string => (code === undefined ? message : (tlsFault(code) ?? code))

const answerBytesMax = 4_096

/** What a refusal says for people, if it is one of the API. */
function readAnswer(response: IncomingMessage, done: (message: string) => void): void {
  const chunks: Uint8Array[] = []
  let bytes = 0
  const end = (): void => {
    const [, message] = /"message":"([^"\\]*)"/.exec(Buffer.concat(chunks).toString()) ?? []
    done(message === undefined ? '' : `: ${message}`)
  }
  response.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length
    if (bytes > answerBytesMax) end()
    else chunks.push(chunk)
  })
  response.once('close', end)
  response.once('end', end)
  response.on('error', end)
}

const failed = (detail: string, absent = false): DialOutcome => ({ type: 'failed', detail, absent })

/** `host:port`, with an IPv6 host in brackets. */
function parseAddress(address: Address): { readonly host: string; readonly port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(address)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host === undefined || !(port > 0 && port < 65_536) ? null : { host, port }
}
