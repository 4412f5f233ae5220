import { unreachable } from '#base/assert.ts'
import type { Call } from '#api/call.ts'
import type { Fault } from '#api/errors.ts'
import type { QueueApi } from '#api/queues/queue-api.ts'
import { receiptOf } from '#api/queues/receipt.ts'
import { ok } from '#base/result.ts'
import type { Caller } from '#core/access/types.ts'
import { queueName } from '#core/queue/types.ts'
import type { ClientChannel, ClientPeer } from '#ports/client.ts'
import type { Admission } from '#services/common/admission.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { QueueClientMessage, QueueServerMessage, SentMessage } from '#wire/queue-client-message.ts'
import type { Answered } from './client-calls.ts'
import { consume, look, manage, produce, settle } from './client-calls.ts'
import { queueServiceLimits as limits } from './limits.ts'
import type { QueueCalls } from './queue-calls.ts'

export interface QueueClientPorts {
  readonly api: QueueApi
  readonly calls: QueueCalls
  readonly telemetry: Telemetry
  readonly admission: Admission
  readonly left: (connection: QueueClientConnection) => void
}

type Told = Extract<QueueServerMessage, { readonly type: 'leaders' | 'going' }>

/** Serves one connection of a client: carries its calls to the API, and ends its waits when it is gone. */
export class QueueClientConnection implements ClientPeer<QueueClientMessage> {
  readonly #channel: ClientChannel<QueueServerMessage>
  readonly #ports: QueueClientPorts
  readonly #caller: Caller | null
  /** Consumes that may be waiting. */
  readonly #waits = new Map<number, AbortController>()
  /** Ends with the connection; nothing of it is aborted by a call. */
  readonly #end = new AbortController()
  #open = 0
  /** Of batches that are not answered. */
  #openBytes = 0
  #gone = false

  constructor(channel: ClientChannel<QueueServerMessage>, ports: QueueClientPorts, caller: Caller | null) {
    this.#channel = channel
    this.#caller = caller
    this.#ports = ports
  }

  received(message: QueueClientMessage): void {
    if (message.type === 'leave') return this.#waits.get(message.call)?.abort('stopping')
    const bytes = bytesOf(message)
    const refusal = this.#refusal(bytes) ?? (isNewWork(message) ? this.#ports.admission.refusal(this.#open) : null)
    if (refusal !== null) return this.#fail(message.call, refusal)
    this.#open++
    this.#openBytes += bytes
    void this.#answer(message).finally(() => {
      this.#open--
      this.#openBytes -= bytes
    })
    return undefined
  }

  gone(): void {
    this.#gone = true
    for (const wait of this.#waits.values()) wait.abort('client-gone')
    this.#end.abort('client-gone')
    this.#ports.left(this)
  }

  /** This node stops: who waits is told what is true now. */
  going(): void {
    this.#channel.send({ type: 'going' })
    for (const wait of this.#waits.values()) wait.abort('stopping')
  }

  tell(message: Told): void {
    this.#channel.send(message)
  }

  /** Null when this connection may have another call. */
  #refusal(bytes: number): Fault<'overloaded'> | null {
    const { admission } = this.#ports
    if (this.#open >= limits.callsPerClientMax) return admission.shed('number', 'this connection has as many calls open as it may')
    if (this.#openBytes === 0 || this.#openBytes + bytes <= limits.bytesPerClientMax) return null
    return admission.shed('number', 'this connection has as many bytes under way as it may')
  }

  async #answer(message: Exclude<QueueClientMessage, { type: 'leave' }>): Promise<void> {
    const { call } = message
    try {
      const answered = await this.#carryOut(message)
      if (this.#gone) return this.#undelivered(answered)
      if (answered.ok) this.#channel.send({ ...answered.value, call })
      else this.#fail(call, answered.error)
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.#ports.telemetry.log('error', 'client-call-failed', { type: message.type, error: text })
      if (!this.#gone) this.#channel.send({ type: 'failed', call, code: 'internal', message: 'a fault of the node', retryAfterMs: null })
    }
  }

  #carryOut(message: Exclude<QueueClientMessage, { type: 'leave' }>): Promise<Answered> {
    const { api } = this.#ports
    const own = this.#callOf(message.call, this.#end.signal)
    switch (message.type) {
      case 'locate':
        return this.#locate(message)
      case 'produce':
        return produce(api, message, own)
      case 'consume':
        return this.#consume(message)
      case 'ack':
      case 'nack':
      case 'extend':
        return settle(api, message, own)
      case 'manage':
        return manage(api, message.order, own)
      case 'look':
        return look(api, message.question, own)
      default:
        return unreachable(message)
    }
  }

  async #locate({ queue, create, fresh }: Extract<QueueClientMessage, { type: 'locate' }>): Promise<Answered> {
    const name = queueName(queue)
    const { calls } = this.#ports
    if (fresh) calls.directory.forget(name)
    const found = await calls.find(name, create)
    if (!found.ok) return found
    const { partitions, settings } = found.value.definition
    return ok({ type: 'located', partitions, slots: calls.slots, visibilityMs: settings.visibilityMs })
  }

  async #consume(message: Extract<QueueClientMessage, { type: 'consume' }>): Promise<Answered> {
    const wait = new AbortController()
    this.#waits.set(message.call, wait)
    try {
      return await consume(this.#ports.api, message, this.#callOf(message.call, wait.signal))
    } finally {
      if (this.#waits.get(message.call) === wait) this.#waits.delete(message.call)
    }
  }

  #callOf(call: number, signal: AbortSignal): Call {
    const { address = 'client', token = null } = this.#caller ?? {}
    return { requestId: `client-${call}`, remoteAddress: address, caller: token?.name ?? null, signal }
  }

  /** Nobody is left to be told (decision Q10). */
  #undelivered(answered: Answered): void {
    if (!answered.ok || answered.value.type !== 'delivered' || answered.value.messages.length === 0) return
    this.#ports.api.undelivered(answered.value.messages.map(({ id, deliveries }) => receiptOf(id, deliveries)))
  }

  #fail(call: number, { code, message, details }: Fault): void {
    const retryAfterMs = 'retry_after_ms' in details ? details.retry_after_ms : null
    this.#channel.send({ type: 'failed', call, code, message, retryAfterMs })
  }
}

/** Not what gives back or keeps what the client has, nor what operators do. */
const isNewWork = ({ type }: QueueClientMessage): boolean =>
  type === 'locate' || type === 'produce' || type === 'consume' || type === 'look'

const bytesOf = (message: QueueClientMessage): number =>
  message.type === 'produce' ? message.messages.reduce((sum, each) => sum + sizeOf(each), 0) : 0

const sizeOf = ({ key, dedupeId, headers, body }: SentMessage): number =>
  headers.reduce((sum, { name, value }) => sum + name.length + value.length, body.length + (key ?? '').length + (dedupeId ?? '').length)
