import { readAll } from '#base/codec/byte-reader.ts'
import { ByteWriter } from '#base/codec/byte-writer.ts'
import type { Schema } from '#base/codec/schema.ts'
import { boolean, encodeWith, list, nullable, struct, time, uint, union, word } from '#base/codec/schema.ts'
import { assert } from '#base/assert.ts'
import type { Result } from '#base/result.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import { addend, dirty, key, name, operations, outcomes, push, value, version } from '#core/cache/memory-codec.ts'
import type { ReplyBody, RequestBody, ToAgent, ToHome } from '#core/cache/messages.ts'
import type { AgentId, Copy, HomeTerm, SessionId, SlotId } from '#core/cache/types.ts'
import { wireLimits } from './limits.ts'

/** What travels between the processes of a coherent cache: the messages of the protocol, and how a home is found. */
export type BusMessage =
  | { readonly type: 'to-home'; readonly from: AgentId; readonly message: ToHome }
  | { readonly type: 'to-agent'; readonly to: AgentId; readonly message: ToAgent }
  | { readonly type: 'who-leads'; readonly slot: SlotId }
  /** As the sender knows it. */
  | { readonly type: 'leads'; readonly slot: SlotId; readonly term: HomeTerm; readonly leader: string }

/** Messages that leave together, and about how many bytes they may have; a larger one goes alone. */
export const busLimits = { messagesMax: 1_024, bytesMax: 1024 * 1024 } as const

const { dirtyLinesMax, dirtyBytesMax, keyBytesMax, batchBytesMax, valueBytesMax } = cacheLimits
/** Of what is around a value: versions, numbers and lengths. */
const pushOverheadBytes = 64
assert(
  dirtyLinesMax * (keyBytesMax + pushOverheadBytes) + dirtyBytesMax < wireLimits.messageBytesMax / 1.2,
  'all that is dirty can be told',
)
assert(batchBytesMax + 3 * valueBytesMax < wireLimits.messageBytesMax, 'the largest request can be sent')

const held = struct<NonNullable<Extract<RequestBody, { type: 'write' }>['held']>>({ grant: uint(), sequence: addend() })

const requestBody = union<RequestBody>({
  read: [1, {}],
  write: [2, { held: nullable(held), dirty: nullable(dirty), operations }],
  flush: [3, { dirty }],
  fill: [4, {}],
})

const addressed = { slot: uint<SlotId>(), term: uint<HomeTerm>() } as const
const inSession = { ...addressed, session: uint<SessionId>() } as const

const toHome = union<ToHome>({
  open: [1, { ...addressed, agent: name(), nonce: uint(), sentAt: time() }],
  arrive: [2, { ...inSession, pushes: list(push, dirtyLinesMax), sentAt: time() }],
  renew: [3, { ...inSession, oldest: uint(), sentAt: time() }],
  request: [4, { ...inSession, number: uint(), oldest: uint(), key, body: requestBody }],
  snooped: [5, { ...inSession, key, grant: uint(), kept: boolean, dirty: nullable(dirty) }],
  leave: [6, inSession],
})

const copy = struct<Copy>({ value: nullable(value), version, ttlMs: nullable(time<number>()) })
const line = struct<NonNullable<Extract<ReplyBody, { type: 'written' }>['line']>>({ grant: uint(), sequence: uint(), copy })

const replyBody = union<ReplyBody>({
  granted: [1, { rights: word({ shared: 0, exclusive: 1 }), grant: uint(), copy }],
  written: [2, { outcomes, invalidated: uint(), line: nullable(line) }],
  flushed: [3, { grant: uint(), sequence: uint() }],
  load: [4, { token: uint() }],
  overloaded: [5, {}],
})

const toAgent = union<ToAgent>({
  opened: [1, { ...addressed, session: uint(), nonce: uint(), sentAt: time() }],
  welcome: [2, { ...inSession, sentAt: time() }],
  renewed: [3, { ...inSession, sentAt: time() }],
  'session-lost': [4, inSession],
  reply: [5, { ...inSession, number: uint(), key, body: replyBody }],
  snoop: [6, { ...inSession, key, grant: uint(), downgradeTo: nullable(version) }],
})

const bus: Schema<BusMessage> = union<BusMessage>({
  'to-home': [1, { from: name(), message: toHome }],
  'to-agent': [2, { to: name(), message: toAgent }],
  'who-leads': [3, { slot: uint() }],
  leads: [4, { slot: uint(), term: uint(), leader: name() }],
})

const batch = list(bus, busLimits.messagesMax)
const writer = new ByteWriter(256 * 1024)

export const encodeBus = (messages: readonly BusMessage[]): Uint8Array => encodeWith(writer, batch, messages)

/** The messages, or what is wrong with the bytes. */
export const decodeBus = (bytes: Uint8Array): Result<readonly BusMessage[], string> => readAll(bytes, (reader) => batch.read(reader))
