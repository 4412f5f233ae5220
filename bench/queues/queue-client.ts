/** The client of one service, as a program would use it: whatever is sent or received in one run goes through it. */
export interface QueueClient extends AsyncDisposable {
  /** Makes a queue, kept as safely as the service can. */
  create(queue: string): Promise<void>
  /** One call with one message, or one batch. Resolves when the service has confirmed all of it; many calls may be under way. */
  produce(queue: string, texts: readonly string[]): Promise<void>
  /** Receives and acks until it is stopped. */
  consume(queue: string, terms: Terms, reader: Reader): Promise<Consumer>
  remove(queue: string): Promise<void>
}

export interface Terms {
  /** Messages that may be under way to a consumer: delivered and not acked. */
  readonly credit: number
  /** Acked, and if the service can, received, so many at a time. */
  readonly batch: number
}

export interface Reader {
  /** Right when they have come, before they are acked. Throws for a wrong message. */
  delivered(texts: readonly string[]): Delivery
  /** Nothing can be read any more. */
  failed(error: unknown): void
}

export interface Delivery {
  /** The service has confirmed the ack; where it confirms none, the ack is sent. */
  acked(): void
}

export interface Consumer {
  /** Everything that was delivered is acked by then. */
  stop(): Promise<void>
}
