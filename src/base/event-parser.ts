/** One event of a stream. */
export interface ServerEvent {
  readonly type: string
  readonly data: string
}

/** Reads server-sent events (HTML, "Parsing an event stream") from text that comes in pieces of any size. What is no event or data is left out. */
export class EventParser {
  #rest = ''
  #type = ''
  #data: string[] = []

  /** The events that this piece completes. */
  push(piece: string): readonly ServerEvent[] {
    const lines = (this.#rest + piece).split('\n')
    this.#rest = lines.pop() ?? ''
    return lines.flatMap((line) => this.#line(line) ?? [])
  }

  #line(line: string): ServerEvent | null {
    if (line === '') return this.#complete()
    const [, field, value = ''] = /^([^:]*)(?:: ?)?(.*)$/.exec(line) ?? []
    if (field === 'event') this.#type = value
    else if (field === 'data') this.#data.push(value)
    return null
  }

  #complete(): ServerEvent | null {
    const event = this.#data.length === 0 ? null : { type: this.#type, data: this.#data.join('\n') }
    this.#type = ''
    this.#data = []
    return event
  }
}
