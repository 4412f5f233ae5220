import { Agent, request } from 'node:http'
import type { NodeProcess } from './node-process.ts'

export type RegisterReply =
  | { readonly type: 'answered'; readonly value: number | null; readonly done: boolean }
  /** Certainly not carried out. */
  | { readonly type: 'refused'; readonly status: number; readonly code: string }
  /** May have been carried out, or may yet be. */
  | { readonly type: 'unknown'; readonly detail: string }

export interface HttpReply {
  readonly status: number
  readonly body: unknown
}

/** Longer than a node tries for, so that it is the node that gives up. */
const replyTimeoutMs = 8_000

/** Commands to registers over HTTP, on connections that are kept, with what each outcome means for who counts. */
export class RegisterClient implements Disposable {
  readonly #agent = new Agent({ keepAlive: true })

  add(node: NodeProcess, key: string, by = 1): Promise<RegisterReply> {
    return this.command(node, key, { type: 'add', by })
  }

  read(node: NodeProcess, key: string): Promise<RegisterReply> {
    return this.command(node, key, null)
  }

  async command(node: NodeProcess, key: string, body: unknown): Promise<RegisterReply> {
    let reply: HttpReply
    try {
      reply = await this.http(node, { path: `/registers/${key}`, body })
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
      // Nobody was there to carry it out.
      if (code === 'ECONNREFUSED') return { type: 'refused', status: 0, code }
      return { type: 'unknown', detail: code }
    }
    if (reply.status === 200) return { type: 'answered', ...(reply.body as { value: number | null; done: boolean }) }
    const { error } = reply.body as { error: { code: string } }
    if (reply.status === 503 || reply.status === 429) return { type: 'refused', status: reply.status, code: error.code }
    if (reply.status === 504) return { type: 'unknown', detail: error.code }
    throw new Error(`an answer that no command should have: ${reply.status} ${JSON.stringify(reply.body)}`)
  }

  /** A GET, or a POST when there is a body. */
  http(node: NodeProcess, { path, body }: { readonly path: string; readonly body: unknown }): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const payload = body === null ? null : JSON.stringify(body)
      const [host, port] = node.options.address.split(':')
      const headers = payload === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
      const method = payload === null ? 'GET' : 'POST'
      const outgoing = request({ host, port, path, method, headers, agent: this.#agent, signal: AbortSignal.timeout(replyTimeoutMs) })
      outgoing.on('error', reject)
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('error', reject)
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('end', () => {
          try {
            resolve({ status: incoming.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) as unknown })
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)))
          }
        })
      })
      outgoing.end(payload)
    })
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}
