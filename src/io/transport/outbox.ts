import { assert } from '#base/assert.ts'
import { Deque } from '#base/deque.ts'
import type { Lane } from '#ports/transport.ts'
import { type Frame, frameTypes, headerBytes, packFrames, streams } from '#wire/frame.ts'
import { wireLimits } from '#wire/limits.ts'
import { transportLimits } from './limits.ts'

/**
 * What waits to be written to one connection, and in which order: first what the connection says about itself, then urgent messages,
 * then bulk. A long message leaves in several frames and others of a more urgent kind go between them (decision R7).
 *
 * That alone does not keep the way free: bytes handed to the kernel, or waiting in the receiver's, cannot be overtaken any more, and on a
 * slow link or before a busy receiver these are megabytes. So bulk frames also need credit from the receiver, which gives back what it
 * has taken: never more than `creditBytes` of them are on their way.
 */
export class Outbox {
  readonly #control = new Deque<Frame>()
  readonly #urgent = new Stream(streams.urgent)
  readonly #bulk = new Stream(streams.bulk)
  #credit: number = transportLimits.creditBytes

  control(type: number, body: Uint8Array): void {
    this.#control.push({ type, stream: streams.control, body })
  }

  /** False when the lane is full: the message was not taken. */
  offer(lane: Lane, message: Uint8Array): boolean {
    const [stream, bytesMax] =
      lane === 'urgent' ? [this.#urgent, transportLimits.urgentBytesMax] : [this.#bulk, transportLimits.bulkBytesMax]
    if (stream.bytes + message.length > bytesMax) return false
    stream.push(message)
    return true
  }

  /** The receiver has taken so many bulk bytes. False when it never got so many. */
  credited(bytes: number): boolean {
    this.#credit += bytes
    return this.#credit <= transportLimits.creditBytes
  }

  /** Frames for one write, laid out in `space` if they fit there, or null when nothing may be sent now. */
  next(space: Buffer | null = null): Uint8Array | null {
    const frames: Frame[] = []
    let bytes = 0
    const take = (frame: Frame): void => {
      frames.push(frame)
      bytes += headerBytes + frame.body.length
    }
    for (let frame = this.#control.shift(); frame !== undefined; frame = this.#control.shift()) take(frame)
    while (bytes < transportLimits.writeBytesMax && this.#urgent.bytes > 0) take(this.#urgent.next())
    while (bytes < transportLimits.writeBytesMax && this.#bulk.bytes > 0 && this.#credit > 0) {
      const frame = this.#bulk.next()
      this.#credit -= headerBytes + frame.body.length
      take(frame)
    }
    return frames.length === 0 ? null : packFrames(frames, space)
  }
}

/** Messages of one lane, cut into frames when their turn comes. */
class Stream {
  readonly #id: number
  readonly #messages = new Deque<Uint8Array>()
  /** How much of the first message has left. */
  #sent = 0
  #bytes = 0

  constructor(id: number) {
    this.#id = id
  }

  /** Bytes that have not left. Invariant: more than 0 exactly when there is a message. */
  get bytes(): number {
    return this.#bytes
  }

  push(message: Uint8Array): void {
    assert(message.length > 0, 'no message is empty')
    this.#messages.push(message)
    this.#bytes += message.length
  }

  next(): Frame {
    const message = this.#messages.at(0)
    assert(message !== undefined, 'a frame needs a message')
    const body = message.subarray(this.#sent, this.#sent + wireLimits.frameBodyBytesMax)
    this.#sent += body.length
    this.#bytes -= body.length
    const last = this.#sent === message.length
    if (last) {
      this.#messages.shift()
      this.#sent = 0
    }
    return { type: last ? frameTypes.message : frameTypes.part, stream: this.#id, body }
  }
}
