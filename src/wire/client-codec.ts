import type { Role } from '#core/access/roles.ts'
import type { Grants } from '#core/access/types.ts'
import type { Result } from '#base/result.ts'
import { lockLimits } from '#core/lock/limits.ts'
import type { SessionId } from '#core/lock/types.ts'
import type { ClientHello, ClientMessage, ClientQuery, KeptState, Place, ServerMessage, Welcome } from './client-message.ts'
import { clientLimits } from './client-limits.ts'
import type { ClientProtocol } from './client-protocol.ts'
import { body, trailing } from './control.ts'
import { wireLimits } from './limits.ts'
import { Malformed, readAll } from './reader.ts'
import type { Schema } from './schema.ts'
import { bytes, list, nullable, string, struct, uint, uint32, union, word } from './schema.ts'

/** How the messages between clients and nodes travel (docs/wire.md). Tags and fields of a released protocol version keep their meaning. */

export const clientProtocol = { oldest: 1, newest: 1 } as const

const place = struct<Place>({ node: string(), address: string() })

/** Bytes that the receiver takes no more of than that. */
const shortBytes = (max: number): Schema<Uint8Array> => ({
  write: (writer, value) => bytes.write(writer, value),
  read(reader) {
    const value = bytes.read(reader)
    if (value.length > max) throw new Malformed('too many bytes')
    return value
  },
})

const query = union<ClientQuery>({
  locks: [1, { prefix: string(), after: nullable(string()), limit: uint(clientLimits.pageMax) }],
  lock: [2, { resource: string() }],
  deadlocks: [3, {}],
  check: [4, { resource: string(), token: uint() }],
})

export const clientMessage = union<ClientMessage>({
  command: [1, { call: uint(), command: shortBytes(clientLimits.commandBytesMax) }],
  'keep-alive': [2, { call: uint(), sessions: list(string<SessionId>(), clientLimits.keepAliveSessionsMax) }],
  query: [3, { call: uint(), query }],
})

const keptState = word<KeptState>({ kept: 1, wounded: 2, lost: 3, unknown: 4 })

export const serverMessage = union<ServerMessage>({
  answered: [1, { call: uint(), answer: bytes }],
  settled: [2, { call: uint(), answer: bytes }],
  failed: [3, { call: uint(), code: string(), message: string() }],
  kept: [4, { call: uint(), sessions: list(keptState, clientLimits.keepAliveSessionsMax) }],
  view: [5, { call: uint(), view: bytes }],
  leader: [6, { leader: place }],
  'session-ended': [7, { session: string() }],
  forced: [8, { session: string(), resource: string(), token: uint() }],
  going: [9, {}],
})

export const lockClients: ClientProtocol<ClientMessage, ServerMessage> = {
  service: 'lock',
  fromClient: clientMessage,
  fromNode: serverMessage,
  longFromClient: false,
}

/** The same in every version, but for fields that a newer one adds behind these. */
export const clientHello = body<ClientHello>({
  oldest: uint32,
  newest: uint32,
  service: string(),
  software: string(),
  token: trailing(nullable(string()), null),
})

const rolesMax = 32
const prefixesMax = 64
const grants = struct<Grants>({ name: string(), roles: list(string<Role>(), rolesMax), prefixes: list(string(), prefixesMax) })

export const welcome = body<Welcome>({
  version: uint32,
  clusterId: string(),
  node: string(),
  software: string(),
  members: list(place, wireLimits.membersMax),
  leader: nullable(string()),
  grants: trailing(nullable(grants), null),
})

/** All messages that one frame, or one long message, holds; or what is wrong with the bytes. Never throws. */
export function readMessages<T>(schema: Schema<T>, encoded: Uint8Array): Result<readonly T[], string> {
  return readAll(encoded, (reader) => {
    const messages: T[] = []
    while (!reader.isAtEnd) messages.push(schema.read(reader))
    if (messages.length === 0) throw new Malformed('nothing in it')
    return messages
  })
}

/** Whether names and lists of a question are of the lengths that the locks know. */
export const isAskable = (asked: ClientQuery): boolean =>
  asked.type === 'deadlocks' || (asked.type === 'locks' ? asked.prefix : asked.resource).length <= lockLimits.nameBytesMax
