import type { ServerResponse } from 'node:http'
import type { EventFeed, NodeEvent, StreamEvent } from '#api/common/events.ts'
import { instantOf } from '#api/schemas.ts'
import type { HttpLimits } from './limits.ts'

interface Options {
  readonly limits: Pick<HttpLimits, 'eventStreamsMax' | 'eventsBufferedMax' | 'heartbeatMs' | 'heartbeatsBlockedMax'>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/**
 * The streams of `GET /events`. However slow its reader is, a stream holds a bounded number of events: the oldest make room, and the reader
 * is told how many it missed. Nobody listens to the feed while there is no stream.
 */
export class EventStreams {
  readonly #options: Options
  readonly #streams = new Set<EventStream>()
  #unsubscribe: (() => void) | null = null
  #heartbeat: NodeJS.Timeout | null = null
  #closed = false
  #number = 0

  constructor(options: Options) {
    this.#options = options
  }

  get size(): number {
    return this.#streams.size
  }
  get isFull(): boolean {
    return this.#closed || this.#streams.size >= this.#options.limits.eventStreamsMax
  }

  /** Takes the response over, head included. */
  open(
    response: ServerResponse,
    feed: EventFeed,
    hello: { readonly node: string; readonly headers: Readonly<Record<string, string>> },
  ): void {
    response.writeHead(200, {
      ...hello.headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    const stream = new EventStream(response, this.#options)
    this.#streams.add(stream)
    response.once('close', () => this.#leave(stream))
    // A browser that lost the stream comes back after so long.
    response.write('retry: 2000\n\n')
    stream.send(written({ type: 'hello', at: instantOf(this.#options.now()), node_id: hello.node }, null))
    this.#unsubscribe ??= feed.subscribe((event) => this.#publish(event))
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#options.limits.heartbeatMs).unref()
  }

  #publish(event: NodeEvent): void {
    this.#number++
    const text = written(event, this.#number)
    for (const stream of this.#streams) stream.send(text)
  }

  #beat(): void {
    for (const stream of this.#streams) stream.beat()
  }

  #leave(stream: EventStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size > 0) return
    this.#unsubscribe?.()
    this.#unsubscribe = null
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat)
    this.#heartbeat = null
  }

  /** Ends all streams, and takes no more. */
  close(): void {
    this.#closed = true
    for (const stream of this.#streams) stream.end()
  }
}

class EventStream {
  readonly #response: ServerResponse
  readonly #options: Options
  #waiting: string[] = []
  #missed = 0
  #blockedBeats = 0

  constructor(response: ServerResponse, options: Options) {
    this.#response = response
    this.#options = options
    response.on('drain', () => this.#flush())
    // Nobody is told of what fails when the reader is gone: the response closes then.
    response.on('error', () => {})
  }

  send(text: string): void {
    if (this.#response.writableEnded) return
    if (!this.#response.writableNeedDrain && this.#waiting.length === 0) {
      this.#response.write(text)
      return
    }
    this.#waiting.push(text)
    if (this.#waiting.length <= this.#options.limits.eventsBufferedMax) return
    this.#waiting.shift()
    this.#missed++
  }

  #flush(): void {
    this.#blockedBeats = 0
    if (this.#response.writableEnded) return
    if (this.#missed > 0) {
      this.#response.write(written({ type: 'missed', at: instantOf(this.#options.now()), count: this.#missed }, null))
      this.#missed = 0
    }
    // All at once: the queue is bounded, and what does not fit makes the next events wait again.
    const text = this.#waiting.join('')
    this.#waiting = []
    if (text !== '') this.#response.write(text)
  }

  beat(): void {
    if (!this.#response.writableNeedDrain && !this.#response.writableEnded) this.#response.write(': alive\n\n')
    else if (++this.#blockedBeats >= this.#options.limits.heartbeatsBlockedMax) this.#response.destroy()
  }

  end(): void {
    this.#response.end()
  }
}

/** An event as the stream has it. JSON has no line breaks of its own, so one line of data will do. */
function written(event: NodeEvent | StreamEvent, number: number | null): string {
  const id = number === null ? '' : `id: ${number}\n`
  return `${id}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}
