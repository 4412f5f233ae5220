import { once } from 'node:events'

interface Reply {
  readonly id: number
  readonly result: { readonly usedSize?: number }
}

/** How much of its heap a process needs, asked by its inspector, after a collection: what is left is held by something. */
export async function collectedHeapBytes(port: number): Promise<number> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as readonly {
    readonly webSocketDebuggerUrl: string
  }[]
  if (target === undefined) throw new Error(`nothing is inspected at ${port}`)
  const socket = new WebSocket(target.webSocketDebuggerUrl)
  await once(socket, 'open')
  const ask = async (id: number, method: string): Promise<Reply['result']> => {
    socket.send(JSON.stringify({ id, method }))
    for (;;) {
      const [event] = (await once(socket, 'message')) as [{ readonly data: string }]
      const reply = JSON.parse(event.data) as Reply
      if (reply.id === id) return reply.result
    }
  }
  try {
    // What a collection lets go of may let go of more.
    for (const id of [1, 2, 3]) await ask(id, 'HeapProfiler.collectGarbage')
    return (await ask(4, 'Runtime.getHeapUsage')).usedSize ?? NaN
  } finally {
    socket.close()
  }
}
