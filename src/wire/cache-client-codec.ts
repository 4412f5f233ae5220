import { cacheLimits } from '#core/cache/limits.ts'
import type { CacheClientMessage, CacheServerMessage, HomePlace } from './cache-client-message.ts'
import type { Place } from './client-message.ts'
import type { ClientProtocol } from './client-protocol.ts'
import { wireLimits } from './limits.ts'
import { Malformed } from './reader.ts'
import type { Schema } from './schema.ts'
import { bytes, list, string, struct, uint, union } from './schema.ts'

/** How the messages between applications that are agents of the cache and nodes travel (docs/wire.md). */

const slotsMax = 65_536

const name = <T extends string>(max: number): Schema<T> => {
  const schema = string<T>()
  return {
    write: (writer, value) => schema.write(writer, value),
    read(reader) {
      const value = schema.read(reader)
      if (value.length > max) throw new Malformed('text too long')
      return value
    },
  }
}

const place = struct<Place>({ node: string(), address: string() })
const homePlace = struct<HomePlace>({ slot: uint(slotsMax), term: uint(), node: string() })

const fromClient = union<CacheClientMessage>({
  enter: [1, { agent: name(256) }],
  bus: [2, { content: bytes }],
  clear: [3, { call: uint(), slot: uint(slotsMax), namespace: name(cacheLimits.namespaceBytesMax) }],
})

const fromNode = union<CacheServerMessage>({
  leaders: [1, { slots: uint(slotsMax), leaders: list(homePlace, slotsMax), members: list(place, wireLimits.membersMax) }],
  bus: [2, { content: bytes }],
  cleared: [3, { call: uint() }],
  failed: [4, { call: uint(), code: string(), message: string() }],
  going: [5, {}],
})

export const cacheClients: ClientProtocol<CacheClientMessage, CacheServerMessage> = {
  service: 'cache',
  fromClient,
  fromNode,
  longFromClient: true,
}
