import type { Result } from '#base/result.ts'
import { readFirst } from './reader.ts'
import { type Fields, type Schema, boolean, bytes, nullable, string, uint, uint32 } from './schema.ts'
import { Writer } from './writer.ts'

/**
 * The bodies of the frames with which two ends of a connection talk about the connection itself. They are the same in every protocol
 * version, but for fields that a newer one may add behind these.
 */

/** What each end says first. */
export interface Greeting {
  /** Protocol versions that this end speaks. */
  readonly oldest: number
  readonly newest: number
  readonly service: string
  readonly clusterId: string | null
  readonly name: string
  readonly incarnation: string
  /** Who is meant; null when the dialler does not know, and in an answer. */
  readonly to: string | null
  /** This end has a secret, proves it, and wants proof. */
  readonly secret: boolean
  readonly nonce: Uint8Array
}

/** Why one end leaves. */
export interface Parting {
  readonly code: PartingCode
  readonly detail: string
}

export type PartingCode =
  /** Refusals: nothing was exchanged. */
  | 'unknown-version'
  | 'other-service'
  | 'other-cluster'
  | 'wrong-secret'
  | 'wrong-name'
  | 'own-name'
  /** Something that must not happen between correct nodes. */
  | 'malformed'
  /** The other end is not there, or too slow. */
  | 'timed-out'
  | 'silent'
  | 'overloaded'
  /** The socket ended without a word, or was never made. */
  | 'lost'
  /** Nothing is wrong. */
  | 'replaced'
  | 'removed'
  | 'stopping'
  /** This node cannot serve clients yet. */
  | 'not-ready'
  /** The client has no token, or one that is not good any more. */
  | 'unauthorized'

interface Announcement {
  readonly clusterId: string
}

interface Credit {
  readonly bytes: number
}

/** Fields one after another without a list around them, so that a reader can stop where its knowledge ends. */
export function body<T extends object>(
  fields: Fields<T>,
): {
  readonly encode: (value: T) => Uint8Array
  readonly decode: (encoded: Uint8Array) => Result<T, string>
} {
  const columns = Object.entries(fields) as [keyof T, Schema<unknown>][]
  return {
    encode(value) {
      const writer = new Writer(256)
      for (const [name, schema] of columns) schema.write(writer, value[name])
      return writer.take()
    },
    decode: (encoded) =>
      readFirst(encoded, (reader) => Object.fromEntries(columns.map(([name, schema]) => [name, schema.read(reader)])) as T),
  }
}

/** A field that a newer version has put behind the others: what it is when an older one has not sent it. */
export const trailing = <T>(schema: Schema<T>, absent: T): Schema<T> => ({
  write: (writer, value) => schema.write(writer, value),
  read: (reader) => (reader.isAtEnd ? absent : schema.read(reader)),
})

export const greeting = body<Greeting>({
  oldest: uint32,
  newest: uint32,
  service: string(),
  clusterId: nullable(string()),
  name: string(),
  incarnation: string(),
  to: nullable(string()),
  secret: boolean,
  nonce: bytes,
})

/** A code that only a newer version knows is passed on as it is. */
export const parting = body<Parting>({ code: string(), detail: string() })

export const announcement = body<Announcement>({ clusterId: string() })

export const credit = body<Credit>({ bytes: uint() })
