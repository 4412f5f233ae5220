import type { Consumer, Delivery, Reader } from '#bench/queues/queue-client.ts'

export interface Received {
  readonly texts: readonly string[]
  readonly ack: () => Promise<void>
}

/** For services that are asked for messages: so many ask, ack what came, and ask again. */
export function consumeInLoops(loops: number, receive: (loop: number) => Promise<Received>, reader: Reader): Consumer {
  const state = { stopped: false }
  const work = async (loop: number): Promise<void> => {
    while (!state.stopped) {
      const { texts, ack } = await receive(loop)
      if (texts.length === 0) continue
      const delivery: Delivery = reader.delivered(texts)
      await ack()
      delivery.acked()
    }
  }
  const working = Promise.all(Array.from({ length: loops }, (_, loop) => work(loop))).catch((error: unknown) => reader.failed(error))
  return {
    stop: async () => {
      state.stopped = true
      await working
    },
  }
}
