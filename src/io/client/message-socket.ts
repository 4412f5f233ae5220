import type { Socket } from 'node:net'
import { assert } from '#base/assert.ts'
import { Deque } from '#base/deque.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import { readMessages } from '#wire/client-codec.ts'
import { clientLimits } from '#wire/client-limits.ts'
import { type Parting, type PartingCode, parting } from '#wire/control.ts'
import { FrameDecoder } from '#wire/frame-decoder.ts'
import { type Frame, frameTypes, packFrames, streams } from '#wire/frame.ts'
import { wireLimits } from '#wire/limits.ts'
import { MessageAssembler } from '#wire/message-assembler.ts'
import type { Schema } from '#wire/schema.ts'
import { Writer } from '#wire/writer.ts'
import { clientSocketLimits as limits } from './limits.ts'

/** What a socket tells its owner, never from within `send` or `close`. `ended` comes once, and last. */
interface MessageSocketEvents<In> {
  /** The first thing that the other end says. */
  greeted(body: Uint8Array): void
  message(message: In): void
  ended(parting: Parting): void
}

interface MessageSocketOptions<In, Out> {
  readonly socket: Socket
  readonly reads: Schema<In>
  readonly writes: Schema<Out>
  /** For the greeting to arrive. */
  readonly limitMs: number
  readonly clock: Clock
  readonly events: MessageSocketEvents<In>
  /** The end that serves many reads nothing more from one that does not take its answers. The other end does, or the two could wait for each other. */
  readonly side: 'client' | 'node'
  /** Whether it takes messages of several frames. */
  readonly readsLong: boolean
}

/**
 * One end of a connection between a client and a node, after the upgrade: a greeting each, then messages, then an end with a reason. What is sent
 * because of one event shares frames and one write.
 */
export class MessageSocket<In, Out> {
  readonly #options: MessageSocketOptions<In, Out>
  readonly #decoder = new FrameDecoder()
  readonly #assembler = new MessageAssembler()
  readonly #writer = new Writer(limits.slabBytes)
  readonly #frames = new Deque<Frame>()
  /** Of the bodies of `#frames`. */
  #frameBytes = 0
  readonly #visit = (frame: Frame): void => this.#frame(frame)
  #state: 'greeting' | 'open' | 'ended' = 'greeting'
  /** Where the next write is laid out; null while the socket still reads it. */
  #space: Buffer | null = Buffer.allocUnsafeSlow(limits.writeSpaceBytes)
  #flushSoon = false
  #busy = false
  /** Ticks in which nothing was heard, and nothing of what waits was taken. */
  #silentTicks = 0
  #isOverloaded = false
  #wroteSinceTick = false
  #cancelLimit: Cancel

  constructor(options: MessageSocketOptions<In, Out>) {
    this.#options = options
    this.#cancelLimit = options.clock.after(options.limitMs, () => this.close('timed-out', 'no greeting came in time'))
  }

  /** `head` is what the HTTP parser read beyond the upgrade. */
  start(head: Uint8Array): void {
    const { socket } = this.#options
    socket.setTimeout(0)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Uint8Array) => this.#read(chunk))
    socket.on('drain', () => this.#drained())
    socket.on('error', (error: NodeJS.ErrnoException) => this.#lost(error.code ?? error.message))
    socket.on('end', () => this.#lost('the other end closed it'))
    socket.on('close', () => {
      this.#lost('closed')
      this.#cancelLimit()
    })
    if (head.length > 0) socket.unshift(head)
  }

  greet(body: Uint8Array): void {
    this.#control(frameTypes.hello, body)
  }

  send(message: Out): void {
    if (this.#state === 'ended' || this.#isOverloaded) return
    const writer = this.#writer
    this.#options.writes.write(writer, message)
    if (writer.length >= clientLimits.frameFillBytes) this.#cut()
    if (this.#isFull()) this.#giveUpSoon()
    else this.#flushLater()
  }

  /** Called at regular intervals: says something when nothing else was said, gives up when nothing was heard. */
  tick(): void {
    if (this.#state !== 'open') return
    // Counted in ticks, not in time: a process that was paused itself must not blame the other one.
    if (++this.#silentTicks > limits.silentTicksMax) return this.close('silent', 'nothing was heard or taken for too long')
    if (!this.#wroteSinceTick) this.#control(frameTypes.ping, new Uint8Array(0))
    this.#wroteSinceTick = false
  }

  /** Says why, gives the words a moment to leave, and ends. */
  close(code: PartingCode, detail: string): void {
    if (this.#state === 'ended') return
    this.#flush()
    const { socket, clock } = this.#options
    socket.end(packFrames([{ type: frameTypes.close, stream: streams.control, body: parting.encode({ code, detail }) }]))
    this.#end({ code, detail })
    this.#cancelLimit = clock.after(limits.partingMs, () => socket.destroy())
  }

  /** Without a word. */
  destroy(): void {
    this.#lost('given up')
  }

  #lost(detail: string): void {
    if (this.#state !== 'ended') this.#end({ code: 'lost', detail })
    this.#options.socket.destroy()
  }

  #end(reason: Parting): void {
    this.#cancelLimit()
    this.#state = 'ended'
    this.#frames.clear()
    this.#frameBytes = 0
    this.#options.events.ended(reason)
  }

  #read(chunk: Uint8Array): void {
    if (this.#state === 'ended') return
    this.#silentTicks = 0
    const failure = this.#decoder.push(chunk, this.#visit)
    if (failure !== null) this.close('malformed', failure)
  }

  #frame({ type, stream, body }: Frame): void {
    if (this.#state === 'ended') return
    if (type === frameTypes.close) return this.#dismissed(body)
    if (this.#state === 'greeting') return this.#greeted(type, body)
    if (type === frameTypes.ping) return
    if (stream !== streams.bulk) return this.close('malformed', `unexpected frame of type ${type} on stream ${stream}`)
    if (type === frameTypes.message) return this.#messages(body)
    if (type !== frameTypes.part || !this.#options.readsLong) return this.close('malformed', `unexpected frame of type ${type}`)
    if (!this.#assembler.part(body)) this.close('malformed', 'message too long')
  }

  #greeted(type: number, body: Uint8Array): void {
    if (type !== frameTypes.hello) return this.close('malformed', `unexpected frame of type ${type} before the greeting`)
    this.#cancelLimit()
    this.#state = 'open'
    this.#options.events.greeted(body)
  }

  #messages(body: Uint8Array): void {
    const whole = this.#assembler.end(body)
    const messages = whole === null ? null : readMessages(this.#options.reads, whole)
    if (messages === null) return this.close('malformed', 'message too long')
    if (!messages.ok) return this.close('malformed', messages.error)
    for (const message of messages.value) {
      if (this.#isOver()) return
      this.#options.events.message(message)
    }
  }

  /** The handler of a message may end the connection. */
  #isOver(): boolean {
    return this.#state === 'ended'
  }

  /** The other end said why it leaves. */
  #dismissed(body: Uint8Array): void {
    const decoded = parting.decode(body)
    this.#end(decoded.ok ? decoded.value : { code: 'malformed', detail: decoded.error })
    const { socket, clock } = this.#options
    socket.end()
    this.#cancelLimit = clock.after(limits.partingMs, () => socket.destroy())
  }

  #control(type: number, body: Uint8Array): void {
    if (this.#state === 'ended') return
    this.#cut()
    this.#push({ type, stream: streams.control, body })
    this.#flushLater()
  }

  /** What was written so far becomes a frame, or several when it is one long message. */
  #cut(): void {
    if (this.#writer.length === 0) return
    const body = this.#writer.take()
    const max = wireLimits.frameBodyBytesMax
    let at = 0
    for (; body.length - at > max; at += max) {
      this.#push({ type: frameTypes.part, stream: streams.bulk, body: body.subarray(at, at + max) })
    }
    this.#push({ type: frameTypes.message, stream: streams.bulk, body: body.subarray(at) })
  }

  #push(frame: Frame): void {
    this.#frames.push(frame)
    this.#frameBytes += frame.body.length
  }

  /** A client bounds by itself what it has under way. */
  #isFull(): boolean {
    const { socket, side } = this.#options
    return side === 'node' && this.#frameBytes + this.#writer.length + socket.writableLength > limits.unsentBytesMax
  }

  #giveUpSoon(): void {
    this.#isOverloaded = true
    this.#options.clock.soon(() => this.close('overloaded', 'what was said was not taken'))
  }

  #flushLater(): void {
    if (this.#flushSoon) return
    this.#flushSoon = true
    // Behind all that the same event leads to, however many promises away, and before the event loop goes on: its next turn is late for a lone message.
    queueMicrotask(() => {
      process.nextTick(() => {
        this.#flushSoon = false
        this.#flush()
      })
    })
  }

  #drained(): void {
    this.#busy = false
    this.#silentTicks = 0
    this.#options.socket.resume()
    this.#flush()
  }

  #flush(): void {
    while (this.#state !== 'ended' && !this.#busy) {
      this.#cut()
      if (this.#frames.length === 0) return
      this.#write(this.#takeFrames())
    }
  }

  #takeFrames(): readonly Frame[] {
    const frames: Frame[] = []
    let bytes = 0
    while (bytes < limits.writeBytesMax) {
      const frame = this.#frames.shift()
      if (frame === undefined) break
      frames.push(frame)
      bytes += frame.body.length
    }
    this.#frameBytes -= bytes
    return frames
  }

  #write(frames: readonly Frame[]): void {
    const { socket, side } = this.#options
    const space = this.#space
    const packed = packFrames(frames, space)
    this.#wroteSinceTick = true
    if (space !== null && packed.buffer === space.buffer) {
      this.#space = null
      this.#busy = !socket.write(packed, () => {
        this.#space = space
      })
    } else {
      this.#busy = !socket.write(packed)
    }
    assert(packed.length > 0, 'a write has something in it')
    if (this.#busy && side === 'node') socket.pause()
  }
}
