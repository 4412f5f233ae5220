import type { Queue } from '#sdk/queue/queue.ts'
import type { Work } from './work.ts'

interface QueueWork {
  readonly produce: Work
  readonly consume: Work
  /** Receives what is left. Messages that were sent and never came are wrong too; resolves with how many came more than once, which they may. */
  drained(options: { readonly ms: number; readonly signal: AbortSignal }): Promise<number>
}

const receiveMax = 100
const waitMs = 500

/** Sends messages, and receives and acks them. Wrong is one that was never sent, and one that was sent and does not come. */
export function queueWork(queue: Queue<number>, clients: number): QueueWork {
  const [unsent, lost]: [string[], string[]] = [[], []]
  /** By payload: begun to be sent, answered. */
  const begun = new Set<number>()
  const answered = new Set<number>()
  const came = new Set<number>()
  let next = 0
  let again = 0
  const receive = async (signal: AbortSignal): Promise<number> => {
    const messages = await queue.receive({ max: receiveMax, waitMs, signal })
    for (const { payload } of messages) {
      if (!begun.has(payload)) unsent.push(`message ${payload} came and was never sent`)
      if (came.has(payload)) again++
      came.add(payload)
    }
    await Promise.all(messages.map((message) => message.ack()))
    return messages.length
  }
  return {
    produce: {
      name: 'messages sent',
      clients,
      wrong: unsent,
      async turn() {
        const payload = next++
        begun.add(payload)
        await queue.send(payload)
        answered.add(payload)
        return 1
      },
    },
    consume: { name: 'messages received', clients: Math.max(1, Math.ceil(clients / 4)), wrong: lost, turn: (_, signal) => receive(signal) },
    async drained({ ms, signal }) {
      const deadline = performance.now() + ms
      const isDone = (): boolean => [...answered].every((payload) => came.has(payload))
      while (!isDone() && performance.now() < deadline) await receive(signal)
      for (const payload of answered) if (!came.has(payload)) lost.push(`message ${payload} was sent and did not come within ${ms} ms`)
      return again
    },
  }
}
