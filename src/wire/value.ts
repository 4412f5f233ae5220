import { Packr } from 'msgpackr'

/**
 * MessagePack for small records whose shape the reader checks: snapshots' headers, answers, questions. Bytes are copied out of what they
 * are read from: a view would keep the whole of it, perhaps a snapshot, in memory for as long as the smallest part is needed.
 */
const packr = new Packr({ useRecords: false, moreTypes: false, mapsAsObjects: true, int64AsType: 'number', copyBuffers: true })

/** A fresh array of exactly the value's bytes, which nothing else will write to. */
export const packValue = (value: unknown): Uint8Array => new Uint8Array(packr.pack(value))

/** Throws on bytes that are not MessagePack. */
export const unpackValue = (bytes: Uint8Array): unknown => packr.unpack(bytes)
